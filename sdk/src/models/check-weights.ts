/** The tensors that a model reads from a checkpoint. */
export interface ExpectedWeights {
  /** Name to shape. */
  shapes: ReadonlyMap<string, readonly number[]>;
  /** Names that a checkpoint may hold besides; they are not read. */
  unread?: RegExp;
}

/** A tensor of a checkpoint. */
export interface FoundWeight {
  shape: readonly number[];
  /** The file that holds it, if any. */
  path?: string;
}

/** Problems that a message lists; the rest is counted. */
const LISTED = 3;

/**
 * Compares a checkpoint with what its settings ask for.
 *
 * @param action For the message, such as `build QwenImageTransformer2DModel`.
 * @throws When tensors are missing, unknown or of another shape; the message names them, their shapes and their files.
 */
export function checkWeights(
  action: string,
  { shapes, unread }: ExpectedWeights,
  found: ReadonlyMap<string, FoundWeight>,
): void {
  const inFile = ({ path }: FoundWeight) => (path === undefined ? '' : ` in "${path}"`);
  const missing = [...shapes]
    .filter(([name]) => !found.has(name))
    .map(([name, shape]) => `${name} of shape [${shape}] is missing`);
  const unknown = [...found]
    .filter(([name]) => !shapes.has(name) && !unread?.test(name))
    .map(([name, weight]) => `${name}${inFile(weight)} is unknown`);
  const misshapen = [...shapes].flatMap(([name, shape]) => {
    const weight = found.get(name);
    return weight === undefined || String(weight.shape) === String(shape)
      ? []
      : [`${name}${inFile(weight)} has shape [${weight.shape}] instead of [${shape}]`];
  });
  const problems = [...missing, ...unknown, ...misshapen];
  if (problems.length === 0) return;
  const more = problems.length > LISTED ? `, and ${problems.length - LISTED} more` : '';
  throw new Error(
    `Cannot ${action} as parameters must fit the configuration: ${problems.slice(0, LISTED).join('; ')}${more}`,
  );
}

/**
 * Notes variables of the environment as they are; what it returns puts them back, one by one: another object in the place of
 * `process.env` is nothing that Node's own code reads.
 */
export function keepEnvironment(...names: string[]): () => void {
  const before = names.map((name) => [name, process.env[name]] as const);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

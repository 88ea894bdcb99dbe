/** Which layers get an adapter: `'all-linear'`, a regular expression for the whole path, or ends of paths. */
export type LoraTargets = string | readonly string[];

/**
 * The layers that `targets` names, by PEFT's rule: an entry of a list is a path or the end of one after a dot; another
 * string is a regular expression that must match the whole path.
 *
 * @param layers Paths of all linear layers.
 * @throws When an entry matches nothing.
 * @example
 * selectLoraTargets(['blocks.0.to_q', 'blocks.0.to_k'], ['to_q']); // ['blocks.0.to_q']
 */
export function selectLoraTargets(layers: readonly string[], targets: LoraTargets): string[] {
  if (targets === 'all-linear') return [...layers];
  const rules =
    typeof targets === 'string'
      ? [{ name: targets, matches: matchWhole(targets) }]
      : targets.map((name) => ({
          name,
          matches: (path: string) => path === name || path.endsWith(`.${name}`),
        }));
  for (const { name, matches } of rules) {
    if (!layers.some(matches)) {
      const ends = [...new Set(layers.map((path) => path.replace(/^.*\.\d+\.(?=[a-z])/, '')))];
      throw new Error(
        `Cannot add adapters as "${name}" must match a linear layer: there are ${ends.join(', ')}`,
      );
    }
  }
  return layers.filter((path) => rules.some(({ matches }) => matches(path)));
}

function matchWhole(pattern: string): (path: string) => boolean {
  const expression = new RegExp(`^(?:${pattern})$`);
  return (path) => expression.test(path);
}

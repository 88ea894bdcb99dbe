import { pythonExpression } from '../io/lora-settings';

/** Layers by name: a regular expression for the whole path, or ends of paths. */
export type LoraModules = string | readonly string[];

/** Which layers get an adapter: `'all-linear'`, a regular expression for the whole path, or ends of paths. */
export type LoraTargets = LoraModules;

/** What `selectLoraTargets` may be told besides. */
export interface SelectLoraOptions {
  /** Layers that get none, whatever the targets say. */
  excludeModules?: LoraModules;
  /** Paths of the model's other modules, which cannot have an adapter. */
  others?: Iterable<string>;
}

/** A name that someone gave, and which paths it means. */
interface Rule {
  name: string;
  matches(path: string): boolean;
}

/**
 * The layers that `targets` names, by PEFT's rule: an entry of a list is a path or the end of one after a dot; another
 * string is a regular expression that must match the whole path. `'all-linear'` means every linear layer of a diffusers
 * model, its output layer too.
 *
 * @param layers Paths of all linear layers.
 * @throws When an entry matches nothing, or a module that cannot have an adapter; or when no layer is left.
 * @example
 * selectLoraTargets(['blocks.0.to_q', 'blocks.0.to_k'], ['to_q']); // ['blocks.0.to_q']
 */
export function selectLoraTargets(
  layers: readonly string[],
  targets: LoraTargets,
  { excludeModules = [], others = [] }: SelectLoraOptions = {},
): string[] {
  const excluded = rulesOf(excludeModules);
  const isExcluded = (path: string) => excluded.some(({ matches }) => matches(path));
  const isAll = typeof targets === 'string' && targets.toLowerCase() === 'all-linear';
  const rules = isAll ? [{ name: targets, matches: () => true }] : rulesOf(targets);
  for (const { name, matches } of rules) {
    if (!layers.some(matches)) {
      const ends = [...new Set(layers.map((path) => path.replace(/^.*\.\d+\.(?=[a-z])/, '')))];
      throw new Error(
        `Cannot add adapters as "${name}" must match a linear layer: there are ${ends.join(', ')}`,
      );
    }
    const other = isAll
      ? undefined
      : [...others].find((path) => matches(path) && !isExcluded(path));
    if (other !== undefined) {
      throw new Error(
        `Cannot add adapters as "${name}" must match linear layers alone: current value also matches ${other}`,
      );
    }
  }
  const selected = layers.filter(
    (path) => rules.some(({ matches }) => matches(path)) && !isExcluded(path),
  );
  if (selected.length === 0) {
    throw new Error(
      `Cannot add adapters as excludeModules must leave a layer: current value is ${JSON.stringify(excludeModules)}`,
    );
  }
  return selected;
}

function rulesOf(modules: LoraModules): Rule[] {
  if (typeof modules === 'string') {
    const expression = pythonExpression(`^(?:${modules})$`);
    return [{ name: modules, matches: (path) => expression.test(path) }];
  }
  return modules.map((name) => ({
    name,
    matches: (path) => path === name || path.endsWith(`.${name}`),
  }));
}

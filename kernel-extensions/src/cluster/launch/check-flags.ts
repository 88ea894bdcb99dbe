import { notebookParameters } from '../../notebook/inject-parameters';
import { namedParameter, type ParameterRule } from '../../notebook/parameter-value';
import { readNotebook } from '../../notebook/notebook-file';

/** Flags of every script that a submitted one may be given; where it writes, and whether it goes on, is the launcher's. */
const everyScripts = ['params', 'json', 'dry-run'];

/**
 * Refuses parameters that the notebook's script would refuse: on a cluster that would be seen when its turn comes.
 *
 * @param runs Parameters of each run, as `name=value`.
 * @throws When a name is none of the notebook's, or a value breaks its rule.
 */
export function checkFlags(notebookFile: string, runs: readonly (readonly string[])[]): void {
  const rules = new Map<string, ParameterRule>([['seed', { kind: 'number' }]]);
  for (const { name, rule } of notebookParameters(readNotebook(notebookFile)))
    rules.set(name, rule);
  for (const text of new Set(runs.flat())) {
    const at = text.indexOf('=');
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    if (everyScripts.includes(name)) continue;
    namedParameter('submit with', rules, [name, value]);
  }
}

import { namedParameter } from '../../notebook/parameter-value';
import { readNotebook } from '../../notebook/notebook-file';
import { ownFlagOf } from '../../script/own-flags';
import { scriptParameters } from '../../script/script-parameters';

/**
 * Refuses parameters that the notebook's script would refuse: on a cluster that would be seen when its turn comes.
 *
 * @param runs Parameters of each run, as `name=value`.
 * @throws When a name is none of the notebook's, or a value breaks its rule. Of every script's own flags `params` may be given:
 *   where it writes and whether it goes on is the launcher's, and the others take no value.
 */
export function checkFlags(notebookFile: string, runs: readonly (readonly string[])[]): void {
  const rules = scriptParameters(readNotebook(notebookFile));
  for (const text of new Set(runs.flat())) {
    const at = text.indexOf('=');
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    const own = ownFlagOf(name);
    if (own === 'params') continue;
    if (own !== null) {
      throw new Error(
        `Cannot submit with "${name}" as it is a flag that every script has, not one of the notebook's parameters`,
      );
    }
    namedParameter('submit with', rules, [name, value]);
  }
}

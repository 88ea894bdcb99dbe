import { notebookParameters } from '../notebook/inject-parameters';
import type { Notebook } from '../notebook/notebook';
import type { ParameterRule } from '../notebook/parameter-value';
import { seedRule } from './own-flags';

/** What a notebook's script takes by name: the notebook's parameters, and a seed. */
export function scriptParameters(notebook: Notebook): Map<string, ParameterRule> {
  const rules = new Map(notebookParameters(notebook).map(({ name, rule }) => [name, rule]));
  return rules.has('seed') ? rules : rules.set('seed', seedRule);
}

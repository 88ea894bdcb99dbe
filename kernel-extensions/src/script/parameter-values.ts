import { runInNewContext } from 'node:vm';
import ts from 'typescript';
import { notebookParameters } from '../notebook/inject-parameters';
import type { Notebook } from '../notebook/notebook';

/** What the parameters of a notebook are set to, by name. */
export function parameterValues(notebook: Notebook): Record<string, unknown> {
  return Object.fromEntries(
    notebookParameters(notebook).map(({ name, initializer }) => [name, valueOf(initializer)]),
  );
}

/** A parameter's value needs nothing but itself: literals and operators between them. */
function valueOf(initializer: ts.Expression): unknown {
  const value: unknown = runInNewContext(ts.transpile(`(${initializer.getText()})`), undefined, {
    timeout: 1000,
  });
  return Array.isArray(value) ? [...value] : value;
}

import ts from 'typescript';
import type { Binding, Bindings } from '../bindings';
import type { CellSyntax } from '../cell-syntax';
import { door } from '../door';
import { importOf } from './import-of';
import { lineOf } from './line-of';
import type { NotebookWarning } from './warning';

const displays = new Set(['display', 'updateDisplay', 'clearOutput', 'attach', 'settleDisplays']);
/** What they make has a `finish()`. */
const live = new Set(['liveDisplay', 'trainingDisplay', 'progressBar']);
const drawings = new Set([
  ...[
    'advantages',
    'attentionMaps',
    'comparePictures',
    'curves',
    'filmstrip',
    'images',
    'kl',
    'latents',
  ],
  ...['memory', 'metrics', 'modelTree', 'noiseComparison', 'pictureTimeline', 'progress', 'ratios'],
  ...['rewardCurve', 'sigmas', 'tensor', 'training'],
]);

/** FB104: a display whose promise is left alone, so that its error is nobody's, and a drawing that is never shown. */
export function lostDisplays(cells: readonly CellSyntax[], bindings: Bindings): NotebookWarning[] {
  return cells.flatMap(({ cell, file }) => {
    const last = file.statements.at(-1);
    const warnings: NotebookWarning[] = [];
    const visit = (node: ts.Node): void => {
      // What a cell ends with is shown, and waited for.
      if (ts.isExpressionStatement(node) && node !== last && ts.isCallExpression(node.expression)) {
        const message = lostBy(node.expression.expression, bindings);
        if (message !== null) {
          warnings.push({ code: 'FB104', cell, line: lineOf(node), message });
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return warnings;
  });
}

function lostBy(callee: ts.Expression, { ofNode }: Bindings): string | null {
  if (ts.isIdentifier(callee)) {
    const name = nameFromDoor(ofNode.get(callee));
    if (name === null) return null;
    if (displays.has(name)) return `${callee.text}() is not awaited`;
    return drawings.has(name) ? `${callee.text}() is not shown: hand it to display()` : null;
  }
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'finish') return null;
  if (!ts.isIdentifier(callee.expression)) return null;
  const [declaration] = ofNode.get(callee.expression)?.declarations ?? [];
  if (!declaration || !ts.isVariableDeclaration(declaration)) return null;
  const { initializer } = declaration;
  if (!initializer || !ts.isCallExpression(initializer) || !ts.isIdentifier(initializer.expression))
    return null;
  const maker = nameFromDoor(ofNode.get(initializer.expression));
  return maker !== null && live.has(maker) ? `${callee.getText()}() is not awaited` : null;
}

function nameFromDoor(binding: Binding | undefined): string | null {
  const from = binding && importOf(binding);
  return from?.module === door ? from.name : null;
}

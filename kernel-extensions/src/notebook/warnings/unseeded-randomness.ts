import ts from 'typescript';
import type { Binding, Bindings } from '../bindings';
import type { CellSyntax } from '../cell-syntax';
import { importOf } from './import-of';
import { lineOf } from './line-of';
import type { NotebookWarning } from './warning';

/** tfjs's random operations, by the place of their argument `seed`. */
const seedAt: Readonly<Record<string, number>> = {
  dropout: 3,
  multinomial: 2,
  randomGamma: 4,
  randomNormal: 4,
  randomStandardNormal: 2,
  randomUniform: 4,
  randomUniformInt: 3,
  truncatedNormal: 4,
};

/** tfjs's initializers that draw: `seed` is a field of their argument. */
const initializer =
  /^(glorot|he|leCun|random|truncated)(Normal|Uniform)$|^(orthogonal|varianceScaling)$/;

const cryptoDraws = new Set(['getRandomValues', 'randomBytes', 'randomInt', 'randomUUID']);

/** FB103: numbers that differ from run to run: `Math.random`, tfjs's random tensors without a seed, `crypto`. */
export function unseededRandomness(
  cells: readonly CellSyntax[],
  bindings: Bindings,
): NotebookWarning[] {
  const globals = new Set(bindings.unresolved.map(({ node }) => node));
  return cells.flatMap(({ cell, file }) => {
    const warnings: NotebookWarning[] = [];
    const warn = (node: ts.Node, message: string): void => {
      warnings.push({ code: 'FB103', cell, line: lineOf(node), message });
    };
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyAccessExpression(node) && isMathRandom(node, globals)) {
        warn(node, 'Math.random differs from run to run; a script takes --seed for it');
      }
      if (ts.isCallExpression(node)) {
        const name = drawIn(node, bindings, globals);
        if (name !== null) warn(node, `${name} differs from run to run, as it has no seed`);
      }
      ts.forEachChild(node, visit);
    };
    ts.forEachChild(file, visit);
    return warnings;
  });
}

function isMathRandom(
  { expression, name }: ts.PropertyAccessExpression,
  globals: ReadonlySet<ts.Identifier>,
): boolean {
  return (
    name.text === 'random' &&
    ts.isIdentifier(expression) &&
    expression.text === 'Math' &&
    globals.has(expression)
  );
}

/** The random operation that a call is, where it has no seed. */
function drawIn(
  call: ts.CallExpression,
  bindings: Bindings,
  globals: ReadonlySet<ts.Identifier>,
): string | null {
  const path = pathOf(call.expression);
  if (path === null) return null;
  const [root, ...names] = path;
  const binding = bindings.ofNode.get(root);
  const words = [root.text, ...names].join('.');
  const isCrypto = isNodeCrypto(binding) || (globals.has(root) && root.text === 'crypto');
  const own = binding && isNodeCrypto(binding) ? importOf(binding)?.name : undefined;
  if (isCrypto && cryptoDraws.has(names.at(-1) ?? own ?? '')) return words;
  if (!binding || !isTensorFlow(binding)) return null;
  const name = names.at(-1) ?? importOf(binding)?.name ?? '';
  if (names.at(-2) === 'initializers' && initializer.test(name)) {
    return call.arguments.some(hasSeedField) ? null : words;
  }
  const isOperation = names.length < 2 && name in seedAt;
  const hasSeed = call.arguments.length > seedAt[name] || call.arguments.some(ts.isSpreadElement);
  return isOperation && !hasSeed ? words : null;
}

/** `tf.initializers.heNormal` as its first identifier and the names after it. */
function pathOf(node: ts.Expression): [ts.Identifier, ...string[]] | null {
  if (ts.isIdentifier(node)) return [node];
  if (!ts.isPropertyAccessExpression(node)) return null;
  const before = pathOf(node.expression);
  return before && [...before, node.name.text];
}

function hasSeedField(argument: ts.Expression): boolean {
  // What is no literal may have one.
  if (!ts.isObjectLiteralExpression(argument)) return true;
  return argument.properties.some(
    (one) => ts.isSpreadAssignment(one) || one.name?.getText() === 'seed',
  );
}

function isNodeCrypto(binding: Binding | undefined): boolean {
  return binding !== undefined && /^(node:)?crypto$/.test(importOf(binding)?.module ?? '');
}

/** tfjs itself, its parts, and `tf` of whatever exports it. */
function isTensorFlow(binding: Binding): boolean {
  const from = importOf(binding);
  return from !== null && (from.module.startsWith('@tensorflow/tfjs') || from.name === 'tf');
}

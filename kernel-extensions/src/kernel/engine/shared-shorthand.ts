import type ts from 'typescript';

type TypeScript = typeof ts;

/**
 * Writes `{ a }` out as `{ a: exports.a }`, where `a` is another cell's variable.
 *
 * @param place The node in the tree that was parsed.
 */
export function expandSharedShorthand(
  ts: TypeScript,
  factory: ts.NodeFactory,
  node: ts.ShorthandPropertyAssignment,
  place: ts.Node,
): ts.PropertyAssignment {
  const { name, objectAssignmentInitializer: fallback } = node;
  const exports = factory.createIdentifier('exports');
  const shared = ts.setSourceMapRange(factory.createPropertyAccessExpression(exports, name), name);
  const target =
    fallback && isAssignmentTarget(ts, place.parent)
      ? factory.createBinaryExpression(shared, ts.SyntaxKind.EqualsToken, fallback)
      : shared;
  return factory.createPropertyAssignment(name.text, target);
}

/** Whether an object literal stands for the variables that it is assigned to: `({ a } = f())`. */
function isAssignmentTarget(ts: TypeScript, literal: ts.Node): boolean {
  let node = literal;
  for (;;) {
    const { parent } = node;
    if (ts.isBinaryExpression(parent) && parent.left === node) {
      return parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
    }
    if (ts.isForOfStatement(parent)) return parent.initializer === node;
    const isInside =
      ts.isPropertyAssignment(parent) ||
      ts.isObjectLiteralExpression(parent) ||
      ts.isArrayLiteralExpression(parent) ||
      ts.isSpreadElement(parent) ||
      ts.isParenthesizedExpression(parent);
    if (!isInside) return false;
    node = parent;
  }
}

import type ts from 'typescript';

type TypeScript = typeof ts;

/** What TypeScript's binder leaves at a scope: the names declared in it. */
type Scope = ts.Node & { locals?: ReadonlyMap<string, unknown> };

/**
 * Writes `{ a }` out as `{ a: exports.a }` where `a` is another cell's variable. tslab puts `exports`
 * before such names everywhere else, but leaves shorthand as it is.
 *
 * @param place The node in the tree that was parsed: scopes are found from it.
 */
export function expandSharedShorthand(
  ts: TypeScript,
  factory: ts.NodeFactory,
  node: ts.ShorthandPropertyAssignment,
  place: ts.Node,
): ts.PropertyAssignment | ts.ShorthandPropertyAssignment {
  const { name, objectAssignmentInitializer: fallback } = node;
  if (isDeclaredAround(place, name.text)) return node;
  const exports = factory.createIdentifier('exports');
  const shared = ts.setSourceMapRange(factory.createPropertyAccessExpression(exports, name), name);
  if (isAssignmentTarget(ts, place.parent)) {
    const target = fallback
      ? factory.createBinaryExpression(shared, ts.SyntaxKind.EqualsToken, fallback)
      : shared;
    return factory.createPropertyAssignment(name, target);
  }
  const isShared = factory.createBinaryExpression(
    factory.createStringLiteral(name.text),
    ts.SyntaxKind.InKeyword,
    exports,
  );
  // What no cell declares is a global, such as console.
  const value = factory.createConditionalExpression(isShared, undefined, shared, undefined, name);
  return factory.createPropertyAssignment(name, value);
}

function isDeclaredAround(node: ts.Node, name: string): boolean {
  for (let scope: Scope | undefined = node; scope; scope = scope.parent) {
    if (scope.locals?.has(name)) return true;
  }
  return false;
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

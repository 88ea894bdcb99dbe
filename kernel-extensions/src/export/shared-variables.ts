import ts from 'typescript';
import type { Binding } from '../notebook/bindings';
import type { TextEdit } from '../notebook/text-edits';

/**
 * In a notebook, a cell sees another cell's variable with its declared type. In a script, the flow of
 * the code narrows it: after `let best: string | null = null`, `best` is `null` for all that follows
 * if only a function assigns it. Where that would differ, the declaration is written so that it does
 * not narrow: `let best = null as string | null`.
 *
 * @param typeText a type's text as the script writes it.
 */
export function keepDeclaredType(
  binding: Binding,
  typeText: (type: ts.TypeNode) => string,
): TextEdit[] {
  const [declaration] = binding.declarations;
  if (!declaration || !ts.isVariableDeclaration(declaration) || !ts.isIdentifier(declaration.name))
    return [];
  const statement = declaration.parent.parent;
  if (!ts.isVariableStatement(statement)) return [];
  // What is only declared has no value here, and stands outside of the cells.
  if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword)) return [];
  const { name, type, initializer } = declaration;
  const elsewhere = binding.references.filter(({ cell }) => cell !== binding.cell);
  const assignedLater = binding.references.some(({ inFunction, writes }) => inFunction && writes);
  if (elsewhere.length === 0) return [];
  const insert = (at: number, text: string): TextEdit => ({ start: at, end: at, text });

  if (!initializer) {
    // Whether it is assigned before it is read, the cells' order decides, and a loop or a function of another cell.
    return type && !declaration.exclamationToken ? [insert(name.end, '!')] : [];
  }
  if (!type) {
    return isBoolean(initializer) && assignedLater ? [insert(initializer.end, ' as boolean')] : [];
  }
  if (isPlain(type) || !(isLiteral(initializer) || isMemberOf(initializer, type))) return [];
  if (type.kind === ts.SyntaxKind.BooleanKeyword && !assignedLater && isConst(declaration))
    return [];
  return [
    { start: name.end, end: initializer.getStart(), text: ' = ' },
    insert(initializer.end, ` as ${typeText(type)}`),
  ];
}

function isConst({ parent }: ts.VariableDeclaration): boolean {
  return (parent.flags & ts.NodeFlags.Const) !== 0;
}

function isNothing(node: ts.Expression): boolean {
  return (
    node.kind === ts.SyntaxKind.NullKeyword || (ts.isIdentifier(node) && node.text === 'undefined')
  );
}

function isBoolean({ kind }: ts.Expression): boolean {
  return kind === ts.SyntaxKind.TrueKeyword || kind === ts.SyntaxKind.FalseKeyword;
}

function isLiteral(node: ts.Expression): boolean {
  if (ts.isPrefixUnaryExpression(node)) return ts.isNumericLiteral(node.operand);
  return (
    isNothing(node) || isBoolean(node) || ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)
  );
}

/** Whether the value is a member of the enum that is its type: `Mode.A`. */
function isMemberOf(node: ts.Expression, type: ts.TypeNode): boolean {
  return ts.isPropertyAccessExpression(node) && node.expression.getText() === type.getText();
}

/** Types that a literal's assignment cannot narrow. */
function isPlain({ kind }: ts.TypeNode): boolean {
  return (
    kind === ts.SyntaxKind.NumberKeyword ||
    kind === ts.SyntaxKind.StringKeyword ||
    kind === ts.SyntaxKind.AnyKeyword ||
    kind === ts.SyntaxKind.UnknownKeyword
  );
}

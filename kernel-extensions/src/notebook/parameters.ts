import ts from 'typescript';
import type { CellSyntax } from './cell-syntax';
import { type Cell, cellTags, type Notebook } from './notebook';
import type { ParameterRule } from './parameter-value';

/** One declaration of the cell tagged `parameters` that can be set from outside. */
export interface Parameter {
  name: string;
  rule: ParameterRule;
  /** The declaration's comment, on one line. */
  help: string;
  /** Where that comment stands. */
  comments: ts.TextRange[];
  /** The default as written. */
  initializer: ts.Expression;
  statement: ts.VariableStatement;
}

/** What the parameters cell declares. */
export interface ParametersCell {
  parameters: Parameter[];
  /** Names of declarations that stay code, as their type or value is not one a flag can have. */
  others: string[];
}

/** The code cell tagged `parameters`; throws when several are. */
export function findParametersCell(notebook: Notebook): Cell | undefined {
  const tagged = notebook.cells.filter(
    (cell) => cell.cell_type === 'code' && cellTags(cell).includes('parameters'),
  );
  if (tagged.length > 1) {
    const names = tagged.map((cell) => `[${cell.id}]`).join(', ');
    throw new Error(
      `Cannot read parameters as one cell may be tagged "parameters": current value is ${names}`,
    );
  }
  return tagged[0];
}

/**
 * Reads the parameters cell: `const steps: number = 40; // training iterations` gives a number with
 * a help text. Types are number, string, boolean, lists of numbers or strings, tuples of numbers,
 * unions of literals, each also `| null`; without a type the value tells it.
 *
 * @param earlier cells before it, whose type aliases it may use.
 */
export function readParameters(cell: CellSyntax, earlier: CellSyntax[] = []): ParametersCell {
  const aliases = new Map<string, ts.TypeNode>();
  for (const { file } of [...earlier, cell]) {
    for (const statement of file.statements) {
      if (ts.isTypeAliasDeclaration(statement)) aliases.set(statement.name.text, statement.type);
    }
  }
  const result: ParametersCell = { parameters: [], others: [] };
  for (const statement of cell.file.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const { declarations } = statement.declarationList;
    const read = declarations.map((declaration) => readParameter(statement, declaration, aliases));
    // A statement is taken apart only as a whole.
    if (read.every((one) => one !== undefined)) result.parameters.push(...read);
    else result.others.push(...declarations.map(({ name }) => name.getText()));
  }
  return result;
}

function readParameter(
  statement: ts.VariableStatement,
  declaration: ts.VariableDeclaration,
  aliases: Map<string, ts.TypeNode>,
): Parameter | undefined {
  const { name, type, initializer } = declaration;
  if (!ts.isIdentifier(name) || !initializer || !isConstant(initializer)) return undefined;
  const asserted = ts.isAsExpression(initializer) ? initializer : undefined;
  const value = asserted ? asserted.expression : initializer;
  const typeNode =
    type ?? (asserted && !ts.isConstTypeReference(asserted.type) ? asserted.type : undefined);
  const rule = typeNode ? ruleOfType(typeNode, aliases) : ruleOfValue(value);
  if (!rule) return undefined;
  const comments = commentsOf(statement, declaration);
  const { text } = statement.getSourceFile();
  const help = clean(comments.map(({ pos, end }) => text.slice(pos, end)));
  return { name: name.text, rule, help, comments, initializer: value, statement };
}

/** Whether the value needs nothing but itself, so that it can stand outside of its cell. */
function isConstant(node: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node))
    return isConstant(node.expression);
  if (ts.isPrefixUnaryExpression(node)) return isConstant(node.operand);
  if (ts.isBinaryExpression(node)) return isConstant(node.left) && isConstant(node.right);
  if (ts.isArrayLiteralExpression(node)) return node.elements.every(isConstant);
  if (ts.isIdentifier(node)) return node.text === 'Infinity';
  return ts.isLiteralExpression(node) || isKeywordValue(node);
}

function isKeywordValue({ kind }: ts.Node): boolean {
  return (
    kind === ts.SyntaxKind.TrueKeyword ||
    kind === ts.SyntaxKind.FalseKeyword ||
    kind === ts.SyntaxKind.NullKeyword
  );
}

function ruleOfType(
  type: ts.TypeNode,
  aliases: Map<string, ts.TypeNode>,
  depth = 0,
): ParameterRule | undefined {
  if (depth > 20) return undefined;
  const inner = (node: ts.TypeNode): ParameterRule | undefined =>
    ruleOfType(node, aliases, depth + 1);
  if (ts.isParenthesizedTypeNode(type)) return inner(type.type);
  if (ts.isTypeOperatorNode(type) && type.operator === ts.SyntaxKind.ReadonlyKeyword)
    return inner(type.type);
  if (type.kind === ts.SyntaxKind.NumberKeyword) return { kind: 'number' };
  if (type.kind === ts.SyntaxKind.StringKeyword) return { kind: 'string' };
  if (type.kind === ts.SyntaxKind.BooleanKeyword) return { kind: 'boolean' };
  if (ts.isLiteralTypeNode(type)) {
    const value = literalValue(type.literal);
    return value === undefined ? undefined : { kind: 'choice', choices: [value] };
  }
  if (ts.isArrayTypeNode(type)) return listOf(inner(type.elementType));
  if (ts.isTupleTypeNode(type)) {
    const numbers = type.elements.every((one) => {
      const element = ts.isNamedTupleMember(one) ? one.type : one;
      return element.kind === ts.SyntaxKind.NumberKeyword;
    });
    return numbers ? { kind: 'number[]', length: type.elements.length } : undefined;
  }
  if (ts.isTypeReferenceNode(type)) {
    const name = type.typeName.getText();
    const [argument] = type.typeArguments ?? [];
    if (name === 'Array' || name === 'ReadonlyArray') return argument && listOf(inner(argument));
    const alias = aliases.get(name);
    return alias && !argument ? inner(alias) : undefined;
  }
  if (ts.isUnionTypeNode(type)) return union(type.types.map(inner));
  return undefined;
}

function listOf(rule: ParameterRule | undefined): ParameterRule | undefined {
  if (rule?.nullable) return undefined;
  if (rule?.kind === 'number') return { kind: 'number[]' };
  return rule?.kind === 'string' ? { kind: 'string[]' } : undefined;
}

function union(members: (ParameterRule | undefined)[]): ParameterRule | undefined {
  const isNull = (rule: ParameterRule | undefined): boolean =>
    rule?.kind === 'choice' && rule.choices!.length === 1 && rule.choices![0] === null;
  const rules = members.filter((rule) => !isNull(rule));
  const nullable = rules.length < members.length || undefined;
  if (rules.length === 1 && rules[0] && rules[0].kind !== 'choice')
    return { ...rules[0], nullable };
  if (!rules.every((rule) => rule?.kind === 'choice')) return undefined;
  const choices = rules.flatMap((rule) => rule!.choices!);
  return { kind: 'choice', choices: nullable ? [...choices, null] : choices };
}

function ruleOfValue(value: ts.Expression): ParameterRule | undefined {
  if (ts.isParenthesizedExpression(value)) return ruleOfValue(value.expression);
  if (ts.isStringLiteralLike(value)) return { kind: 'string' };
  if (ts.isArrayLiteralExpression(value)) {
    const [first, ...rest] = value.elements.map((element) => listOf(ruleOfValue(element)));
    return first && rest.every((rule) => rule?.kind === first.kind) ? first : undefined;
  }
  if (ts.isBinaryExpression(value)) {
    const [left, right] = [ruleOfValue(value.left), ruleOfValue(value.right)];
    return left?.kind === right?.kind && (left?.kind === 'number' || left?.kind === 'string')
      ? left
      : undefined;
  }
  if (ts.isPrefixUnaryExpression(value)) {
    const operand = ruleOfValue(value.operand);
    return operand?.kind === 'number' ? operand : undefined;
  }
  if (ts.isNumericLiteral(value) || ts.isIdentifier(value)) return { kind: 'number' };
  return isKeywordValue(value) && value.kind !== ts.SyntaxKind.NullKeyword
    ? { kind: 'boolean' }
    : undefined;
}

function literalValue(node: ts.Node): string | number | boolean | null | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const value = literalValue(node.operand);
    return typeof value === 'number' ? -value : undefined;
  }
  if (node.kind === ts.SyntaxKind.NullKeyword) return null;
  return isKeywordValue(node) ? node.kind === ts.SyntaxKind.TrueKeyword : undefined;
}

/** The comments after the declaration on its line, else the comment lines right above it. */
function commentsOf(
  statement: ts.VariableStatement,
  declaration: ts.VariableDeclaration,
): ts.TextRange[] {
  const { text } = statement.getSourceFile();
  const separator = /^\s*[,;]/.exec(text.slice(declaration.end))?.[0] ?? '';
  const trailing = ts.getTrailingCommentRanges(text, declaration.end + separator.length);
  if (trailing) return trailing;
  const attached: ts.TextRange[] = [];
  let next = declaration.getStart();
  if (statement.declarationList.declarations[0] === declaration) next = statement.getStart();
  const from = next === statement.getStart() ? statement.pos : declaration.pos;
  for (const range of (ts.getLeadingCommentRanges(text, from) ?? []).reverse()) {
    // An empty line between a comment and the declaration parts them.
    if (text.slice(range.end, next).split('\n').length > 2) break;
    attached.unshift(range);
    next = range.pos;
  }
  return attached;
}

function clean(comments: string[]): string {
  const lines = comments.flatMap((comment) =>
    comment
      .replace(/^\/\*+|\*+\/$/g, '')
      .split('\n')
      .map((line) => line.replace(/^\s*(\/\/+|\*)?\s?/, '').trim()),
  );
  return lines.filter((line) => line !== '').join(' ');
}

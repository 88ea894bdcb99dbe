import ts from 'typescript';

/** The function that checks a statement's value; an instrumented example calls it. */
export const CHECK = '__states';

/**
 * Makes an example check the values that it states: `expression; // value` at the end of a line becomes
 * `__states(expression, "value")`. Other comments, those after declarations among them, are prose.
 */
export function checkStatedValues(code: string): string {
  const source = parse(code);
  let result = '';
  let end = 0;
  for (const statement of source.statements) {
    const comment = statedBy(code, statement);
    if (!ts.isExpressionStatement(statement) || comment === null) continue;
    const { expression } = statement;
    const from = expression.getStart(source);
    result += `${code.slice(end, from)}${CHECK}(${expression.getText(source)}, ${JSON.stringify(comment)})`;
    end = expression.end;
  }
  return result + code.slice(end);
}

/** The comment at the end of a statement's last line, or null. */
function statedBy(code: string, statement: ts.Statement): string | null {
  const [comment] = ts.getTrailingCommentRanges(code, statement.end) ?? [];
  if (comment?.kind !== ts.SyntaxKind.SingleLineCommentTrivia) return null;
  return code.slice(comment.pos + 2, comment.end).trim();
}

/**
 * Compares a value with a statement of it: a JavaScript literal, after which a remark may follow (`3 // not 6`). Tensors
 * are stated as nested lists; of an object some fields may be stated. Numbers agree to the decimals that are
 * written, whole ones to five.
 *
 * @param value What the example's expression gave; read, not disposed.
 * @throws When they differ, or when the statement is no literal.
 */
export function checkStatement(value: unknown, statement: string): void {
  const source = parse(`(${statement}\n);`);
  const [first, ...rest] = source.statements;
  const { parseDiagnostics } = source as unknown as { parseDiagnostics: unknown[] };
  if (rest.length > 0 || parseDiagnostics.length > 0 || !ts.isExpressionStatement(first)) {
    throw new Error(`Cannot check "${statement}" as a stated value must be a literal`);
  }
  const plain = plainValue(value);
  if (!matches(plain, (first.expression as ts.ParenthesizedExpression).expression, source)) {
    throw new Error(
      `Cannot agree that a value is ${statement}: current value is ${describe(plain)}`,
    );
  }
}

function matches(value: unknown, stated: ts.Expression, source: ts.SourceFile): boolean {
  if (ts.isNumericLiteral(stated) || ts.isPrefixUnaryExpression(stated)) {
    const text = stated.getText(source);
    const decimals = /\.(\d+)$/.exec(text)?.[1].length ?? 5;
    const expected = Number(text.replaceAll('_', ''));
    return typeof value === 'number' && Math.abs(value - expected) <= 0.5001 * 10 ** -decimals;
  }
  if (ts.isStringLiteral(stated)) return value === stated.text;
  if (ts.isArrayLiteralExpression(stated)) {
    return (
      Array.isArray(value) &&
      value.length === stated.elements.length &&
      stated.elements.every((element, index) => matches(value[index], element, source))
    );
  }
  if (ts.isObjectLiteralExpression(stated)) {
    return (
      typeof value === 'object' &&
      value !== null &&
      stated.properties.every((property) => {
        if (!ts.isPropertyAssignment(property)) return notALiteral(property, source);
        const name = ts.isStringLiteral(property.name)
          ? property.name.text
          : property.name.getText(source);
        return matches((value as Record<string, unknown>)[name], property.initializer, source);
      })
    );
  }
  const word = stated.getText(source);
  if (Object.hasOwn(WORDS, word)) return Object.is(value, WORDS[word]);
  return notALiteral(stated, source);
}

const WORDS: Record<string, unknown> = {
  true: true,
  false: false,
  null: null,
  undefined,
  NaN,
  Infinity,
};

function notALiteral(node: ts.Node, source: ts.SourceFile): never {
  throw new Error(
    `Cannot check "${node.getText(source)}" as a stated value must be a literal: remarks go after another //, or on a line of their own`,
  );
}

/** Tensors and typed arrays as lists, at any depth of lists. */
function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('arraySync' in value) return (value as { arraySync(): unknown }).arraySync();
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  return Array.isArray(value) ? value.map(plainValue) : value;
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}

function parse(code: string): ts.SourceFile {
  return ts.createSourceFile('example.ts', code, ts.ScriptTarget.ESNext, true);
}

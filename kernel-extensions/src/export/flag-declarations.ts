import ts from 'typescript';
import { NotebookCodeError } from '../notebook/cell-syntax';

/** A script's table of flags as declarations of a cell: `const steps: number = 40; // training iterations`. */
export function flagDeclarations(statement: ts.VariableStatement): string {
  const { initializer } = statement.declarationList.declarations[0];
  if (!initializer || !ts.isObjectLiteralExpression(initializer)) {
    throw refuse(statement.getText());
  }
  return initializer.properties.map(declaration).join('\n');
}

function declaration(property: ts.ObjectLiteralElementLike): string {
  if (!ts.isPropertyAssignment(property) || !ts.isCallExpression(property.initializer)) {
    throw refuse(property.getText());
  }
  const { expression, arguments: args } = property.initializer;
  const maker = ts.isPropertyAccessExpression(expression) ? expression.name.text : '';
  const hasRule = maker === 'choice' || maker === 'tupleOrNull';
  const [rule, value, help] = hasRule ? args : [undefined, ...args];
  const type = typeOf(maker, rule, value);
  if (!type || !value || (help && !ts.isStringLiteralLike(help))) throw refuse(property.getText());
  const comment = help ? ` // ${(help as ts.StringLiteral).text}` : '';
  return `const ${property.name.getText()}: ${type} = ${value.getText()};${comment}`;
}

function typeOf(
  maker: string,
  rule: ts.Expression | undefined,
  value: ts.Expression | undefined,
): string | undefined {
  if (maker === 'choice') {
    if (!rule || !ts.isArrayLiteralExpression(rule)) return undefined;
    return rule.elements.map((one) => one.getText()).join(' | ');
  }
  if (maker === 'tuple') {
    // How long it is stands in its default.
    if (!value || !ts.isArrayLiteralExpression(value)) return undefined;
    return tupleType(value.elements.length);
  }
  if (maker === 'tupleOrNull') {
    if (!rule || !ts.isNumericLiteral(rule)) return undefined;
    return `${tupleType(Number(rule.text))} | null`;
  }
  const [, base, orNull] = /^(number|string|boolean|numbers|strings)(OrNull)?$/.exec(maker) ?? [];
  if (!base) return undefined;
  return `${base.replace(/s$/, '[]')}${orNull ? ' | null' : ''}`;
}

function tupleType(length: number): string {
  return `[${Array(length).fill('number').join(', ')}]`;
}

function refuse(text: string): NotebookCodeError {
  return new NotebookCodeError(
    `Cannot import a flag as it must tell its type, as flag.number(40, 'help') does: current value is ${text}`,
  );
}

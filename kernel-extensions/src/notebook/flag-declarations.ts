import ts from 'typescript';
import { NotebookCodeError } from './cell-syntax';

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
  const [choices, value, help] = maker === 'choice' ? args : [undefined, ...args];
  const type = typeOf(maker, choices, value);
  if (!type || !value || (help && !ts.isStringLiteralLike(help))) throw refuse(property.getText());
  const comment = help ? ` // ${(help as ts.StringLiteral).text}` : '';
  return `const ${property.name.getText()}: ${type} = ${value.getText()};${comment}`;
}

function typeOf(
  maker: string,
  choices: ts.Expression | undefined,
  value: ts.Expression | undefined,
): string | undefined {
  if (maker === 'choice') {
    if (!choices || !ts.isArrayLiteralExpression(choices)) return undefined;
    return choices.elements.map((one) => one.getText()).join(' | ');
  }
  const [, base, orNull] =
    /^(number|string|boolean|numbers|strings|tuple)(OrNull)?$/.exec(maker) ?? [];
  if (!base) return undefined;
  const end = orNull ? ' | null' : '';
  if (base !== 'tuple') return `${base.replace(/s$/, '[]')}${end}`;
  // How long a tuple is stands in its default alone.
  if (!value || !ts.isArrayLiteralExpression(value)) return undefined;
  return `[${value.elements.map(() => 'number').join(', ')}]${end}`;
}

function refuse(text: string): NotebookCodeError {
  return new NotebookCodeError(
    `Cannot import a flag as it must tell its type, as flag.number(40, 'help') does: current value is ${text}`,
  );
}

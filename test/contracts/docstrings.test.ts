import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { repository } from '../setup/setup-module';
import { every } from './every';
import { WITHOUT_EXAMPLE } from './without-example';

type Exported = ts.FunctionDeclaration | ts.ClassDeclaration;
type Declared = Exported | ts.InterfaceDeclaration | ts.TypeAliasDeclaration;
type Callable = ts.FunctionDeclaration | ts.MethodDeclaration | ts.ConstructorDeclaration;

const isExported = (node: ts.Node): node is Exported =>
  ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node);
const isDeclared = (node: ts.Node): node is Declared =>
  isExported(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);

/** What a module declares and exports, and what it passes on; of overloads the last, which has the body. */
function exportsOf(file: string): Map<string, Declared> {
  const found = new Map<string, Declared>();
  const source = ts.createSourceFile(
    file,
    readFileSync(file, 'utf8'),
    ts.ScriptTarget.ESNext,
    true,
  );
  for (const statement of source.statements) {
    if (isDeclared(statement)) {
      const isPublic = statement.modifiers?.some(
        ({ kind }) => kind === ts.SyntaxKind.ExportKeyword,
      );
      if (isPublic && statement.name) found.set(statement.name.text, statement);
    } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier) {
      const { text } = statement.moduleSpecifier as ts.StringLiteral;
      const path = join(dirname(file), text);
      const from = exportsOf(existsSync(`${path}.ts`) ? `${path}.ts` : join(path, 'index.ts'));
      const names = statement.exportClause as ts.NamedExports | undefined;
      const passed =
        names?.elements.map(({ name, propertyName }) => [name.text, (propertyName ?? name).text]) ??
        [...from.keys()].map((name) => [name, name]);
      for (const [name, own] of passed) {
        const declaration = from.get(own);
        if (declaration) found.set(name, declaration);
      }
    }
  }
  return found;
}

const documented = new Map<string, Declared>(
  ['sdk', 'kernel-extensions'].flatMap((name) =>
    [...exportsOf(join(repository, name, 'src/index.ts'))].map(
      ([exported, declaration]) => [`${name}/${exported}`, declaration] as const,
    ),
  ),
);
const all = [...documented.keys()];
const names = all.filter((name) => isExported(documented.get(name) as Declared));
const declarationOf = (name: string) => documented.get(name) as Exported;

/** All docstrings of a declaration, those of its overloads among them. */
function docstringsOf(node: Declared | Callable): ts.JSDoc[] {
  const isSame = (other: ts.Node): other is Callable =>
    ts.isFunctionLike(other) && other.name?.getText() === node.name?.getText();
  const { parent } = node;
  const siblings = ts.isSourceFile(parent)
    ? parent.statements
    : (parent as ts.ClassDeclaration).members;
  const same = ts.isFunctionLike(node) ? [...siblings].filter(isSame) : [node];
  return same.flatMap((one) => ts.getJSDocCommentsAndTags(one).filter(ts.isJSDoc));
}

const tagsOf = (node: Exported | Callable, tag: string) =>
  docstringsOf(node).flatMap(({ tags = [] }) => tags.filter(({ tagName }) => tagName.text === tag));

/** What callers see of a declaration: a function itself, or a class's methods and its constructor. */
function callablesOf(declaration: Exported): Callable[] {
  if (ts.isFunctionDeclaration(declaration)) return [declaration];
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return declaration.members
    .filter((member) => ts.isMethodDeclaration(member) || ts.isConstructorDeclaration(member))
    .filter((member) => (ts.getCombinedModifierFlags(member) & hidden) === 0)
    .filter(({ name }) => name === undefined || !ts.isPrivateIdentifier(name))
    .filter(
      (member) => !ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal'),
    );
}

/** Whether a body throws itself, not in a function within it. */
function throws(node: ts.Node): boolean {
  if (ts.isThrowStatement(node)) return true;
  return ts.forEachChild(node, (child) => !ts.isFunctionLike(child) && throws(child)) === true;
}

/** Names that a `@param` may have: parameters, and the fields of those that are taken apart. */
function parametersOf({ parameters }: Callable): string[] {
  const namesIn = (name: ts.BindingName): string[] =>
    ts.isIdentifier(name)
      ? [name.text.replace(/^_/, '')]
      : name.elements.flatMap((one) =>
          ts.isBindingElement(one) ? [...namesIn(one.name), one.propertyName?.getText() ?? ''] : [],
        );
  return parameters.flatMap(({ name }) =>
    ts.isIdentifier(name) ? namesIn(name) : ['options', ...namesIn(name)],
  );
}

describe('docstrings contract', () => {
  it('everything that is exported says what it is', () =>
    every(all, (name) => {
      const texts = docstringsOf(documented.get(name) as Declared).map(({ comment }) =>
        ts.getTextOfJSDocComment(comment),
      );
      assert.ok(
        texts.some((text) => (text ?? '').length > 0),
        'it has no description',
      );
    }));

  it('every method says what it is, where no interface does', () =>
    every(names, (name) => {
      const declaration = declarationOf(name);
      const inherits = ts.isClassDeclaration(declaration) && declaration.heritageClauses;
      if (ts.isFunctionDeclaration(declaration) || inherits) return;
      const methods = callablesOf(declaration).filter(
        (callable) => callable.name && !ts.isComputedPropertyName(callable.name),
      );
      const silent = methods.filter((method) => docstringsOf(method).length === 0);
      assert.deepEqual(
        silent.map((method) => method.name?.getText()),
        [],
      );
    }));

  it('every parameter that is described is there', () =>
    every(names, (name) => {
      for (const callable of callablesOf(declarationOf(name))) {
        for (const tag of tagsOf(callable, 'param') as ts.JSDocParameterTag[]) {
          const [described] = tag.name.getText().split('.');
          const known = parametersOf(callable);
          assert.ok(known.includes(described), `${described} is none of ${known.join(', ')}`);
        }
      }
    }));

  it('every function that takes or gives tensors says their shape', () =>
    every(names, (name) => {
      const declaration = declarationOf(name);
      if (!ts.isFunctionDeclaration(declaration)) return;
      const types = [declaration, ...declaration.parameters].map(
        ({ type }) => type?.getText() ?? '',
      );
      if (!types.some((type) => /\btf\.(Tensor|Scalar)/.test(type))) return;
      const text = docstringsOf(declaration)
        .map((docstring) => docstring.getText())
        .join('\n');
      assert.match(text, /\((\.\.\.|[A-Z0-9])[^)]*\)|\bshapes?\b|\bscalar\b/, 'it says no shape');
    }));

  it('every function and method that throws says when', () =>
    every(names, (name) => {
      const silent = callablesOf(declarationOf(name)).filter(
        (callable) =>
          callable.body && throws(callable.body) && tagsOf(callable, 'throws').length === 0,
      );
      assert.deepEqual(
        silent.map((callable) => callable.name?.getText() ?? 'constructor'),
        [],
      );
    }));

  it('every exported function and class has an example that runs', () =>
    every(
      names,
      (name) => {
        const declaration = declarationOf(name);
        const isError =
          ts.isClassDeclaration(declaration) &&
          declaration.heritageClauses?.some(({ types: [parent] }) =>
            /Error$/.test(parent.getText()),
          );
        const inside = ts.isClassDeclaration(declaration) ? callablesOf(declaration) : [];
        const shown = [declaration, ...inside].some((node) => tagsOf(node, 'example').length > 0);
        assert.ok(isError || shown, 'it has no @example');
      },
      WITHOUT_EXAMPLE,
    ));
});

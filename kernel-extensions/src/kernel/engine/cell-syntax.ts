import type ts from 'typescript';
import { isDeclaredAround, isReference } from './free-names';
import { expandSharedShorthand } from './shared-shorthand';

type TypeScript = typeof ts;

/** The name under which a cell's code finds what the kernel gives it. */
export const CELL_RUNTIME = '__flowbook';

/** What a cell's imports are compiled to calls of: `require` may be a name of the cell's own. */
export const CELL_REQUIRE = `${CELL_RUNTIME}Require`;

/** What the code of a cell declares and imports. */
export interface CellSyntax {
  /** Names that later cells will see, imports among them. */
  declared: Set<string>;
  /** Declared names that are variables of the cell's own: the value says whether they can change. */
  variables: Map<string, boolean>;
  /** Variables that are properties of the global object in a script: of `var` and functions. */
  scriptGlobals: Set<string>;
  /** Modules that are imported statically. */
  imports: Set<string>;
}

/** Reads what the emitted ES module of a cell declares (tslab ends it with one `export { ... }`). */
export function readCellSyntax(ts: TypeScript, source: ts.SourceFile): CellSyntax {
  const syntax: CellSyntax = {
    declared: new Set(),
    variables: new Map(),
    scriptGlobals: new Set(),
    imports: new Set(),
  };
  const imported = new Set<string>();
  const constants = new Set<string>();
  const lexical = new Set<string>();
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      syntax.imports.add((statement.moduleSpecifier as ts.StringLiteral).text);
      const clause = statement.importClause;
      const names = clause?.namedBindings;
      if (clause?.name) imported.add(clause.name.text);
      if (names && ts.isNamespaceImport(names)) imported.add(names.name.text);
      else names?.elements.forEach((element) => imported.add(element.name.text));
    } else if (ts.isVariableStatement(statement)) {
      const list = statement.declarationList;
      const addTo = (names: Set<string>) =>
        list.declarations.forEach((one) => addNames(one.name, names));
      if (list.flags & ts.NodeFlags.Const) addTo(constants);
      if (list.flags & ts.NodeFlags.BlockScoped) addTo(lexical);
    } else if (ts.isClassDeclaration(statement)) {
      if (statement.name) lexical.add(statement.name.text);
    } else if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (!clause || !ts.isNamedExports(clause)) continue;
      clause.elements.forEach((element) => syntax.declared.add(element.name.text));
    }
  }
  for (const name of syntax.declared) {
    if (imported.has(name)) continue;
    syntax.variables.set(name, !constants.has(name));
    if (!lexical.has(name)) syntax.scriptGlobals.add(name);
  }
  return syntax;

  function addNames(name: ts.BindingName, into: Set<string>): void {
    if (ts.isIdentifier(name)) into.add(name.text);
    else
      name.elements.forEach((element) => {
        if (ts.isBindingElement(element)) addNames(element.name, into);
      });
  }
}

/**
 * Hands what tslab keeps as the constant `name`, the value of a cell's last expression, to the cell's
 * runtime instead: the name may be a user's own.
 */
export function handOverResult(
  ts: TypeScript,
  name: string | undefined,
): ts.TransformerFactory<ts.SourceFile> {
  return ({ factory }) =>
    (file) => {
      if (name === undefined) return file;
      const statements = file.statements.map((statement) => {
        if (!ts.isVariableStatement(statement)) return statement;
        const [{ name: own, initializer }] = statement.declarationList.declarations;
        const isExported = statement.modifiers?.some(
          ({ kind }) => kind === ts.SyntaxKind.ExportKeyword,
        );
        if (!isExported || !initializer || own.getText() !== name) return statement;
        const runtime = factory.createIdentifier(CELL_RUNTIME);
        const result = factory.createPropertyAccessExpression(runtime, 'result');
        const call = factory.createCallExpression(result, undefined, [initializer]);
        return ts.setTextRange(factory.createExpressionStatement(call), initializer);
      });
      return factory.updateSourceFile(file, statements);
    };
}

/** Names that a cell's function gets as parameters, or that every function has. */
const OWN_NAMES = new Set([CELL_RUNTIME, CELL_REQUIRE, 'exports', 'arguments', 'undefined']);

/**
 * `import(x)` and `import.meta` have no meaning in a script, so a cell asks its runtime for them. Names
 * that the cell does not declare are read from the cells that do, at the time they are used; functions
 * among them are called without a `this`.
 *
 * @param isShared whether a name that the cell does not declare is no global, as far as is known yet
 */
export function moduleSyntaxTransformer(
  ts: TypeScript,
  isShared: (name: string) => boolean,
): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const { factory } = context;
    const runtime = (name: string) =>
      factory.createPropertyAccessExpression(factory.createIdentifier(CELL_RUNTIME), name);
    const isSharedName = (node: ts.Expression): node is ts.PropertyAccessExpression =>
      ts.isPropertyAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === 'exports';
    const isFree = (node: ts.Identifier) =>
      !OWN_NAMES.has(node.text) && isShared(node.text) && !isDeclaredAround(ts, node, node.text);
    const shared = (node: ts.Identifier) => {
      const place = { pos: node.getStart(), end: node.end };
      const exports = factory.createIdentifier('exports');
      return ts.setSourceMapRange(
        factory.createPropertyAccessExpression(exports, node.text),
        place,
      );
    };
    const detached = (callee: ts.PropertyAccessExpression) => {
      const { CommaToken } = ts.SyntaxKind;
      const call = factory.createBinaryExpression(
        factory.createNumericLiteral(0),
        CommaToken,
        callee,
      );
      // V8 places such a call at the parenthesis behind it, which has to lead back to the name.
      const start = callee.pos < 0 ? ts.getSourceMapRange(callee).pos : callee.name.pos;
      const place = { pos: start, end: start };
      return ts.setSourceMapRange(factory.createParenthesizedExpression(call), place);
    };
    const visit = (node: ts.Node): ts.Node => {
      if (ts.isIdentifier(node)) {
        return node.parent && isReference(node) && isFree(node) ? shared(node) : node;
      }
      if (ts.isTypeOfExpression(node) && ts.isIdentifier(node.expression)) {
        if (!isFree(node.expression)) return node;
        const name = factory.createStringLiteral(node.expression.text);
        const value = factory.createCallExpression(runtime('peek'), undefined, [name]);
        return factory.updateTypeOfExpression(node, value);
      }
      if (ts.isShorthandPropertyAssignment(node)) {
        const changed = ts.visitEachChild(node, visit, context);
        return isFree(node.name) ? expandSharedShorthand(ts, factory, changed, node) : changed;
      }
      const changed = ts.visitEachChild(node, visit, context);
      if (ts.isCallExpression(changed) && changed.expression.kind === ts.SyntaxKind.ImportKeyword) {
        const { typeArguments, arguments: args } = changed;
        return factory.updateCallExpression(changed, runtime('import'), typeArguments, args);
      }
      if (ts.isMetaProperty(changed) && changed.keywordToken === ts.SyntaxKind.ImportKeyword) {
        return runtime('meta');
      }
      if (ts.isCallExpression(changed) && isSharedName(changed.expression)) {
        const { typeArguments, arguments: args } = changed;
        const callee = detached(changed.expression);
        return factory.updateCallExpression(changed, callee, typeArguments, args);
      }
      if (ts.isTaggedTemplateExpression(changed) && isSharedName(changed.tag)) {
        const { typeArguments, template } = changed;
        const tag = detached(changed.tag);
        return factory.updateTaggedTemplateExpression(changed, tag, typeArguments, template);
      }
      return changed;
    };
    return (file) => ts.visitEachChild(file, visit, context);
  };
}

/**
 * Takes out `exports.a = exports.b = void 0`, with which TypeScript opens a CommonJS module: a name
 * belongs to a cell once it has a value, not before.
 */
export function withoutExportPrologue(ts: TypeScript): ts.TransformerFactory<ts.SourceFile> {
  const isVoidZero = (node: ts.Expression) =>
    ts.isVoidExpression(node) && ts.isNumericLiteral(node.expression);
  const isPrologue = (node: ts.Expression): boolean =>
    ts.isBinaryExpression(node) &&
    ts.isPropertyAccessExpression(node.left) &&
    ts.isIdentifier(node.left.expression) &&
    node.left.expression.text === 'exports' &&
    (isVoidZero(node.right) || isPrologue(node.right));
  // A cell's function says itself whether it is strict.
  const isUseStrict = (node: ts.Expression) =>
    ts.isStringLiteral(node) && node.pos < 0 && node.text === 'use strict';
  return (context) => (file) =>
    context.factory.updateSourceFile(
      file,
      file.statements.filter(
        (statement) =>
          !(
            ts.isExpressionStatement(statement) &&
            (isPrologue(statement.expression) || isUseStrict(statement.expression))
          ),
      ),
    );
}

/** Calls the `require` of TypeScript's own code by another name than a cell's code can. */
export function renamedRequire(ts: TypeScript): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const { factory } = context;
    const isOwn = (node: ts.Expression) =>
      ts.isIdentifier(node) &&
      node.text === 'require' &&
      node.pos < 0 &&
      ts.getOriginalNode(node) === node;
    const visit = (node: ts.Node): ts.Node => {
      const changed = ts.visitEachChild(node, visit, context);
      if (!ts.isCallExpression(changed) || !isOwn(changed.expression)) return changed;
      const callee = factory.createIdentifier(CELL_REQUIRE);
      return factory.updateCallExpression(changed, callee, undefined, changed.arguments);
    };
    return (file) => ts.visitEachChild(file, visit, context);
  };
}

/**
 * Blanks `export` in front of a cell's declarations, which every cell shares anyway; tslab refuses
 * it. Positions do not move.
 */
export function blankExports(ts: TypeScript, code: string): string {
  if (!/\bexport\b/.test(code)) return code;
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest, true);
  let text = code;
  const blank = (start: number, end: number) => {
    text = text.slice(0, start) + text.slice(start, end).replace(/\S/g, ' ') + text.slice(end);
  };
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement) && !statement.moduleSpecifier) {
      blank(statement.getStart(source), statement.end);
    } else if (ts.isExportAssignment(statement) && !statement.isExportEquals) {
      blank(statement.getStart(source), statement.expression.getStart(source));
    } else if (ts.canHaveModifiers(statement)) {
      for (const modifier of ts.getModifiers(statement) ?? []) {
        const kind = modifier.kind;
        if (kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.DefaultKeyword) {
          blank(modifier.getStart(source), modifier.end);
        }
      }
    }
  }
  return text;
}

import type ts from 'typescript';
import { CELL_RUNTIME } from './cell-syntax';

type TypeScript = typeof ts;

/**
 * Hands the value of a cell's last expression to its runtime.
 *
 * @param completionValues whether statements that hold others have a value, and declarations have none, as in
 * JavaScript's own eval
 */
export function keepResult(
  ts: TypeScript,
  completionValues: boolean,
): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const { factory } = context;
    const hasNoValue = completionValues
      ? (node: ts.Statement) => isSilent(ts, node) || isEmpty(ts, node)
      : (node: ts.Statement) => isSilent(ts, node);
    const inList = (statements: readonly ts.Statement[]): ts.Statement[] => {
      const last = statements.filter((statement) => !hasNoValue(statement)).at(-1);
      return statements.map((one) => (one === last ? inStatement(one) : one));
    };
    const inBlock = (block: ts.Block) => factory.updateBlock(block, inList(block.statements));
    /** Statements inside of one, each with its own last value. */
    const within = (node: ts.Node): ts.Node => {
      if (ts.isBlock(node)) return inBlock(node);
      if (ts.isCaseClause(node)) {
        return factory.updateCaseClause(node, node.expression, inList(node.statements));
      }
      if (ts.isDefaultClause(node)) {
        return factory.updateDefaultClause(node, inList(node.statements));
      }
      if (ts.isCatchClause(node)) {
        return factory.updateCatchClause(node, node.variableDeclaration, inBlock(node.block));
      }
      if (ts.isCaseBlock(node)) return ts.visitEachChild(node, within, context);
      return ts.isStatement(node) ? inStatement(node) : node;
    };
    const inStatement = (node: ts.Statement): ts.Statement => {
      if (ts.isExpressionStatement(node)) {
        const result = factory.createPropertyAccessExpression(
          factory.createIdentifier(CELL_RUNTIME),
          'result',
        );
        const call = factory.createCallExpression(result, undefined, [node.expression]);
        return factory.updateExpressionStatement(node, call);
      }
      if (!completionValues) return node;
      if (ts.isBlock(node)) return inBlock(node);
      if (ts.isTryStatement(node)) {
        const { tryBlock, catchClause, finallyBlock } = node; // what is done finally has no value
        const caught = catchClause && (within(catchClause) as ts.CatchClause);
        return factory.updateTryStatement(node, inBlock(tryBlock), caught, finallyBlock);
      }
      return holdsStatements(ts, node) ? ts.visitEachChild(node, within, context) : node;
    };
    return (file) => factory.updateSourceFile(file, inList(file.statements));
  };
}

/** Statements after which the value of the one before is still a cell's value. */
function isSilent(ts: TypeScript, node: ts.Statement): boolean {
  return (
    ts.isExportDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEmptyStatement(node)
  );
}

/** Statements that have no value in JavaScript. */
function isEmpty(ts: TypeScript, node: ts.Statement): boolean {
  return (
    ts.isVariableStatement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isBreakOrContinueStatement(node) ||
    ts.isDebuggerStatement(node)
  );
}

function holdsStatements(ts: TypeScript, node: ts.Statement): boolean {
  return (
    ts.isIfStatement(node) ||
    ts.isIterationStatement(node, false) ||
    ts.isSwitchStatement(node) ||
    ts.isLabeledStatement(node) ||
    ts.isWithStatement(node)
  );
}

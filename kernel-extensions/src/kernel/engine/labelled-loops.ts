import type ts from 'typescript';

type TypeScript = typeof ts;

/**
 * Takes the variables out of `label: for (var i = 0; ...)`: TypeScript, which exports them, would put them and the
 * loop into one block behind the label, and `continue label` has to name a loop.
 */
export function labelledLoops(ts: TypeScript): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const { factory } = context;
    const visit = (node: ts.Node): ts.Node => {
      const changed = ts.visitEachChild(node, visit, context);
      if (!ts.isLabeledStatement(changed)) return changed;
      const variables = loopVariables(ts, changed.statement);
      if (!variables) return changed;
      const without = (statement: ts.Statement): ts.Statement => {
        if (ts.isLabeledStatement(statement)) {
          return factory.updateLabeledStatement(
            statement,
            statement.label,
            without(statement.statement),
          );
        }
        const { condition, incrementor, statement: body } = statement as ts.ForStatement;
        const loop = statement as ts.ForStatement;
        return factory.updateForStatement(loop, undefined, condition, incrementor, body);
      };
      return factory.createBlock([
        factory.createVariableStatement(undefined, variables),
        without(changed),
      ]);
    };
    return (file) => ts.visitEachChild(file, visit, context);
  };
}

/** The `var` declarations of a `for` loop behind any number of labels. */
function loopVariables(
  ts: TypeScript,
  statement: ts.Statement,
): ts.VariableDeclarationList | undefined {
  if (ts.isLabeledStatement(statement)) return loopVariables(ts, statement.statement);
  const { initializer } = statement as Partial<ts.ForStatement>;
  if (!ts.isForStatement(statement) || !initializer) return undefined;
  const isVar =
    ts.isVariableDeclarationList(initializer) &&
    (initializer.flags & ts.NodeFlags.BlockScoped) === 0;
  return isVar ? initializer : undefined;
}

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Whether it is `export type { X }`, which has no value even when X is a class. */
function isTypeOnly(ts, declaration) {
  if (!ts.isExportSpecifier(declaration)) return false;
  return declaration.isTypeOnly || declaration.parent.parent.isTypeOnly;
}

/** Names of the values that a built package exports, from its declarations: nothing is loaded. */
function exportedValues(dist) {
  const ts = createRequire(import.meta.url)('typescript');
  const declarations = join(dist, 'index.d.ts');
  const program = ts.createProgram([declarations], {
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = checker.getSymbolAtLocation(program.getSourceFile(declarations));
  if (!source) return [];
  return checker
    .getExportsOfModule(source)
    .filter((symbol) => {
      if (symbol.declarations?.some((declaration) => isTypeOnly(ts, declaration))) return false;
      const target =
        symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return (target.flags & ts.SymbolFlags.Value) !== 0;
    })
    .map((symbol) => symbol.name)
    .sort();
}

/**
 * Writes a package's ESM door: it re-exports the CommonJS build by name, so that `import` and `require` see one
 * instance of every registry.
 */
export function writeEsmDoor(dist) {
  const names = exportedValues(dist);
  const lines =
    names.length === 0
      ? ["import './index.js';", 'export {};']
      : [
          "import door from './index.js';",
          '',
          'export const {',
          ...names.map((name) => `  ${name},`),
          '} = door;',
        ];
  writeFileSync(join(dist, 'index.mjs'), `${lines.join('\n')}\n`);
  writeFileSync(join(dist, 'index.d.mts'), "export * from './index.js';\n");
}

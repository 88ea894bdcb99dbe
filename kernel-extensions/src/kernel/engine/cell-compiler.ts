import { Script } from 'node:vm';
import {
  CELL_REQUIRE,
  CELL_RUNTIME,
  handOverResult,
  moduleSyntaxTransformer,
  readCellSyntax,
  renamedRequire,
  withoutExportPrologue,
  type CellSyntax,
} from './cell-syntax';
import { labelledLoops } from './labelled-loops';
import type { EmittedCell } from '../tslab-adapter';
import type { CellPositions } from './cell-positions';

/** What a compiled cell is called with. */
export interface CellRuntime {
  import(specifier: string): Promise<unknown>;
  meta: object;
  /** The value of another cell's variable, undefined where there is none: for `typeof`. */
  peek(name: string): unknown;
  /** Takes the value of the cell's last expression. */
  result(value: unknown): void;
  /** Called last by the cell's code. */
  end(): void;
  bind(accessors: Record<string, [() => unknown, ((value: unknown) => void)?]>): void;
}

export interface CompiledCell extends CellSyntax {
  run(exports: object, require: NodeJS.Require, runtime: CellRuntime): Promise<void>;
}

const INLINE_MAP = /\n?\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/;

export interface CompileOptions {
  /** Whether a name that a cell does not declare may be another cell's. */
  isShared(name: string): boolean;
  /** Whether JavaScript's strict mode holds. */
  strict: boolean;
}

/**
 * Turns the ES module that a cell was emitted as into a function.
 * Its positions, through both compilations, are kept in `positions`.
 */
export function compileCell(
  ts: typeof import('typescript'),
  cell: number,
  { esModule, linesBefore, lastExpressionVar }: EmittedCell,
  positions: CellPositions,
  { isShared, strict }: CompileOptions,
): CompiledCell {
  const [, firstMap] = INLINE_MAP.exec(esModule) ?? [];
  const text = esModule.replace(INLINE_MAP, '');
  const syntax = readCellSyntax(
    ts,
    ts.createSourceFile('cell.js', text, ts.ScriptTarget.ES2022, false, ts.ScriptKind.JS),
  );
  if (syntax.declared.has('exports')) {
    throw new SyntaxError(
      "Cannot declare 'exports' in a cell as it is what cells share their names by: choose another name",
    );
  }
  const { outputText, sourceMapText } = ts.transpileModule(text, {
    fileName: 'cell.js',
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
      newLine: ts.NewLineKind.LineFeed,
      sourceMap: true,
    },
    transformers: {
      before: [
        handOverResult(ts, lastExpressionVar),
        moduleSyntaxTransformer(ts, isShared),
        labelledLoops(ts),
      ],
      after: [withoutExportPrologue(ts), renamedRequire(ts)],
    },
  });
  const maps = [
    ...(sourceMapText ? [sourceMapText] : []),
    ...(firstMap ? [Buffer.from(firstMap, 'base64').toString()] : []),
  ];
  const fileName = positions.add(cell, maps, linesBefore);
  const mode = strict ? '"use strict"; ' : '';
  const own = syntax.declared.has('require') ? '' : `var require = ${CELL_REQUIRE}; `;
  const prefix = `(async function (exports, ${CELL_REQUIRE}, ${CELL_RUNTIME}) { ${mode}${own}${bindCall(syntax)}`;
  const code = outputText.replace(/\n?\/\/# sourceMappingURL=\S*\s*$/, '');
  const script = new Script(`${prefix}${code}\n${CELL_RUNTIME}.end(); })`, {
    filename: fileName,
    columnOffset: -prefix.length,
  });
  return { ...syntax, run: script.runInThisContext() as CompiledCell['run'] };
}

/** Hands the kernel a reader and a writer for each of the cell's variables. */
function bindCall({ variables }: CellSyntax): string {
  if (variables.size === 0) return '';
  const value = `${CELL_RUNTIME}Value`;
  const accessors = [...variables].map(([name, mutable]) =>
    mutable
      ? `${name}: [() => ${name}, (${value}) => { ${name} = ${value}; }]`
      : `${name}: [() => ${name}]`,
  );
  return `${CELL_RUNTIME}.bind({ ${accessors.join(', ')} }); `;
}

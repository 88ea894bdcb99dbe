import type { CellOutput, MimeBundle } from '../../protocol/outputs';
import type { CellContext } from '../cell-context';

/** What a dialect needs of the kernel. */
export interface DialectHost {
  currentCell(): CellContext;
  publish(cell: CellContext, output: CellOutput): void;
  ask(prompt: string, password: boolean): Promise<string>;
}

/** The habits of another kernel that its notebooks rely on. */
export interface KernelDialect {
  /** Names that cells find without declaring them. */
  builtins: ReadonlyMap<string, () => unknown>;
  /** Names that source files find, too. */
  globals?: ReadonlyMap<string, unknown>;
  /** Whether the last value inside a last `if`, block or `try` is a cell's value. */
  completionValues: boolean;
  /** Whether JavaScript runs as it does in a script without `"use strict"`. */
  sloppy: boolean;
  /** Whether `null` as a cell's value is shown. */
  showsNull: boolean;
  /** Called before a cell runs. */
  begin?(cell: CellContext): void;
  /** Called when a cell has run, with access to the notebook's names; true when it has shown its result itself. */
  end?(cell: CellContext, takeName: (name: string) => unknown): Promise<boolean>;
  /** How a value without a display of its own looks; undefined leaves it to Flowbook. */
  format?(value: unknown): MimeBundle | undefined;
}

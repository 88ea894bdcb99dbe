import type { MimeBundle } from '../../../display/bundle';
import type { CellOutput } from '../../protocol/outputs';
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
  /** Names that are global for everything, and that no declarations speak of. */
  globalNames: readonly string[];
  /** Names that source files find, too. */
  globals?: ReadonlyMap<string, unknown>;
  /** Whether a cell's value is the last value of its last statement that has one, as JavaScript's own eval has it. */
  completionValues: boolean;
  /** Whether a cell `{ a: 1 }` is an object rather than a block. */
  objectCells: boolean;
  /** Whether JavaScript runs as it does in a script without `"use strict"`. */
  sloppy: boolean;
  /** Whether variables of `var` and functions are properties of the global object, which is a cell's `this`. */
  scriptGlobals: boolean;
  /** Whether `null` as a cell's value is shown. */
  showsNull: boolean;
  /** Whether a value is shown as it was when the cell's code ended, before callbacks that wait for that. */
  showsAtOnce: boolean;
  /** Called before a cell runs. */
  begin?(cell: CellContext): void;
  /** Whether a cell has shown its result itself, or will. */
  hasShown?(cell: CellContext): boolean;
  /** Called when a cell has run; resolves when it has ended. */
  end?(cell: CellContext): Promise<void>;
  /** How a value without a display of its own looks; undefined leaves it to Flowbook. */
  format?(value: unknown): MimeBundle | undefined;
}

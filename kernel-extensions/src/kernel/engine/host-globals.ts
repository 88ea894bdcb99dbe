import { join } from 'node:path';
import type { CommHost } from '../comms';
import type { DisplaySink } from '../../display';
import { currentCell } from './cell-context';
import type { CellOutputs } from './cell-output';
import type { InputRequests } from './input-requests';

/** What code in cells, and libraries they use, find on globalThis. */
export function installHostGlobals(
  cwd: string,
  outputs: CellOutputs,
  inputs: InputRequests,
  comms: CommHost,
): void {
  const sink: DisplaySink = {
    publish({ data, metadata }, { displayId, update }) {
      outputs.publish(currentCell().id, {
        output_type: update ? 'update_display_data' : 'display_data',
        data,
        metadata,
        transient: displayId === undefined ? {} : { display_id: displayId },
      });
    },
    clear({ wait }) {
      outputs.publish(currentCell().id, { output_type: 'clear_output', wait });
    },
  };
  const ask = (prompt: string, password: boolean) => inputs.ask(prompt, password);
  define(Symbol.for('flowbook.display.sink'), { value: sink, writable: true });
  define(Symbol.for('flowbook.comms'), { value: comms });
  define(Symbol.for('flowbook.input'), { value: ask });
  define(Symbol.for('flowbook.cell'), { get: currentCell });
  // Code written for CommonJS files works in a cell; a cell may declare these names itself.
  define('__dirname', { value: cwd, writable: true });
  define('__filename', { value: join(cwd, 'notebook.ts'), writable: true });
  process.exit = refuseExit;
}

function define(name: string | symbol, property: PropertyDescriptor): void {
  Object.defineProperty(globalThis, name, { configurable: true, ...property });
}

/** The session would be lost, with all its variables. */
function refuseExit(code?: number | string | null): never {
  throw new Error(
    `Cannot exit from a cell as the session must go on: process.exit(${code ?? ''}) was called; restart the kernel to end it`,
  );
}

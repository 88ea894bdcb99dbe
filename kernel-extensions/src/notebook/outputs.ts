import type { Cell, NotebookOutput, OutputData } from './notebook';

export { type OutputMessage, outputOfMessage } from '../kernel/protocol/outputs';

/** An output as a kernel sends it: a message's content with its type, in nbformat's words. */
export type LiveOutput =
  LastingOutput | DisplayUpdate | { output_type: 'clear_output'; wait?: boolean };

interface DisplayContent {
  data: OutputData;
  metadata?: Record<string, unknown>;
  transient?: { display_id?: string };
}

type DisplayUpdate = DisplayContent & { output_type: 'update_display_data' };

/** An output that is stored where it comes. */
type LastingOutput =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | (DisplayContent & { output_type: 'display_data' })
  | {
      output_type: 'execute_result';
      data: OutputData;
      metadata?: Record<string, unknown>;
      execution_count?: number | null;
    }
  | { output_type: 'error'; ename: string; evalue: string; traceback: string[] };

/**
 * Folds what a kernel sends into the outputs that a notebook stores: neighbouring stream outputs
 * become one, an update replaces every display of its id (in earlier cells too) and adds nothing,
 * `clear_output` empties the cell, with `wait` just before its next output.
 *
 * @example
 * const cell: Cell = { id: 'a', cell_type: 'code', metadata: {}, source: '', outputs: [] };
 * const folding = new OutputFolding();
 * folding.add(cell, { output_type: 'stream', name: 'stdout', text: 'one\n' });
 * folding.add(cell, { output_type: 'stream', name: 'stdout', text: 'two\n' });
 * cell.outputs; // [{ output_type: 'stream', name: 'stdout', text: 'one\ntwo\n' }]
 */
export class OutputFolding {
  private readonly displays = new Map<string, { data: OutputData; metadata: object }[]>();
  private readonly clearNext = new Set<Cell>();

  /** Changes `cell.outputs` (and, for an update, the outputs of the cells that show the display). */
  add(cell: Cell, output: LiveOutput): void {
    if (output.output_type === 'update_display_data') return this.update(output);
    if (output.output_type === 'clear_output') {
      if (output.wait) this.clearNext.add(cell);
      else cell.outputs = [];
      return;
    }
    if (this.clearNext.delete(cell)) cell.outputs = [];
    const outputs = (cell.outputs ??= []);
    const last = outputs.at(-1);
    if (
      output.output_type === 'stream' &&
      last?.output_type === 'stream' &&
      last.name === output.name
    ) {
      last.text += output.text;
    } else {
      outputs.push(this.stored(output));
    }
  }

  private stored(output: LastingOutput): NotebookOutput {
    switch (output.output_type) {
      case 'stream':
        return { output_type: 'stream', name: output.name, text: output.text };
      case 'error':
        return {
          output_type: 'error',
          ename: output.ename,
          evalue: output.evalue,
          traceback: output.traceback,
        };
      case 'execute_result':
        return {
          output_type: 'execute_result',
          data: output.data,
          metadata: output.metadata ?? {},
          execution_count: output.execution_count ?? null,
        };
      case 'display_data': {
        const display = {
          output_type: 'display_data' as const,
          data: output.data,
          metadata: output.metadata ?? {},
        };
        const id = output.transient?.display_id;
        if (id !== undefined) this.displays.set(id, [...(this.displays.get(id) ?? []), display]);
        return display;
      }
    }
  }

  private update({ data, metadata = {}, transient }: DisplayUpdate): void {
    for (const display of this.displays.get(transient?.display_id ?? '') ?? []) {
      display.data = data;
      display.metadata = metadata;
    }
  }
}

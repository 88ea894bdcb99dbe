import {
  KernelClient,
  type CellOutput,
  type ExecuteResult,
  type KernelClientOptions,
} from '../../../kernel-extensions/src/kernel/client';

/** One kernel process for the tests of a `describe` block. */
export function runningKernel(options: () => KernelClientOptions = () => ({})) {
  const holder: { kernel: KernelClient } = { kernel: undefined as never };
  before(async () => {
    holder.kernel = await KernelClient.start(options());
  });
  after(() => holder.kernel?.shutdown());
  return holder;
}

/** Everything the cell printed to one stream. */
export function printed(result: ExecuteResult, name: 'stdout' | 'stderr' = 'stdout'): string {
  return result.outputs
    .map((output) => (output.output_type === 'stream' && output.name === name ? output.text : ''))
    .join('');
}

/** The text/plain of the cell's result, null when it has none. */
export function resultText(result: ExecuteResult): string | null {
  const output = result.outputs.find(
    (candidate): candidate is CellOutput & { output_type: 'execute_result' } =>
      candidate.output_type === 'execute_result',
  );
  return output ? String(output.data['text/plain']) : null;
}

export function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}

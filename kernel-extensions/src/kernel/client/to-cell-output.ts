import type { Message } from '../protocol/message';
import type { CellOutput } from '../protocol/outputs';

const OUTPUT_TYPES = new Set([
  'stream',
  'display_data',
  'update_display_data',
  'execute_result',
  'error',
  'clear_output',
]);

/** The output carried by an iopub message, or null for other messages. */
export function toCellOutput(message: Message): CellOutput | null {
  const type = message.header.msg_type;
  if (!OUTPUT_TYPES.has(type)) return null;
  return { output_type: type, ...message.content } as CellOutput;
}

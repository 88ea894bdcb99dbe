import type { Message } from '../protocol/message';
import { carriesOutput, type CellOutput } from '../protocol/outputs';

/** The output carried by an iopub message, or null for other messages. */
export function toCellOutput(message: Message): CellOutput | null {
  const type = message.header.msg_type;
  if (!carriesOutput(type)) return null;
  return { output_type: type, ...message.content } as CellOutput;
}

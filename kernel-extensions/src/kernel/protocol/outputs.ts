import type { MimeBundle } from '../../display/bundle';

/** What a cell prints, shows, returns or fails with, in nbformat's words. */
export type CellOutput =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | {
      output_type: 'display_data' | 'update_display_data';
      data: MimeBundle;
      metadata: Record<string, unknown>;
      transient: { display_id?: string };
    }
  | {
      output_type: 'execute_result';
      data: MimeBundle;
      metadata: Record<string, unknown>;
      execution_count: number;
    }
  | ({ output_type: 'error' } & ErrorContent)
  | { output_type: 'clear_output'; wait: boolean };

const OUTPUT_TYPES = new Set([
  'stream',
  'display_data',
  'update_display_data',
  'execute_result',
  'error',
  'clear_output',
]);

/** The part of an iopub message that `outputOfMessage` reads. */
export interface OutputMessage {
  header: { msg_type: string };
  content: unknown;
}

/**
 * The output in an iopub message; undefined for messages that are none, such as `status`.
 *
 * @example
 * outputOfMessage({ header: { msg_type: 'status' }, content: { execution_state: 'idle' } }); // undefined
 */
export function outputOfMessage({ header, content }: OutputMessage): CellOutput | undefined {
  if (!OUTPUT_TYPES.has(header.msg_type)) return undefined;
  return { ...(content as object), output_type: header.msg_type } as CellOutput;
}

/** The content of an `error` message. */
export interface ErrorContent {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** The result of one user expression. */
export type ExpressionResult =
  | { status: 'ok'; data: MimeBundle; metadata: Record<string, unknown> }
  | ({ status: 'error' } & ErrorContent);

/** MIME type -> representation. */
export type MimeBundle = Record<string, unknown>;

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

/** Whether messages of a type carry an output: others, such as `status`, do not. */
export function carriesOutput(type: string): boolean {
  return OUTPUT_TYPES.has(type);
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

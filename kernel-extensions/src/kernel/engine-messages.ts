import type { CellOutput, ErrorContent, ExpressionResult } from './protocol/outputs';

/** A cell on its way into the engine: the process that runs the user's code. */
export interface CellRequest {
  /** Serial number in this session; silent cells have one too. */
  cell: number;
  /** The number shown beside the cell, null for a cell that is not counted. */
  executionCount: number | null;
  code: string;
  silent: boolean;
  allowInput: boolean;
  userExpressions: Record<string, string>;
}

/** How a cell ended. */
export interface CellResult {
  error: ErrorContent | null;
  /** True when an interrupt reached the cell, whether it failed of it or not. */
  interrupted: boolean;
  userExpressions: Record<string, ExpressionResult>;
}

/** Questions about code that do not run it. */
export interface EngineQueries {
  complete: { params: { code: string; cursor: number }; answer: CompletionReply };
  inspect: { params: { code: string; cursor: number; detail: number }; answer: InspectReply };
  isComplete: { params: { code: string }; answer: IsCompleteReply };
}

export interface CompletionReply {
  matches: string[];
  /** Offsets in UTF-16 units, as JavaScript counts. */
  start: number;
  end: number;
  kinds: string[];
}

export interface InspectReply {
  found: boolean;
  data: Record<string, string>;
}

export interface IsCompleteReply {
  status: 'complete' | 'incomplete' | 'invalid' | 'unknown';
  indent?: string;
}

/** One message on a comm, in either direction. */
export interface CommTraffic {
  type: 'comm_open' | 'comm_msg' | 'comm_close';
  id: string;
  /** With comm_open only. */
  targetName?: string;
  /** The cell that a message from the engine belongs to. */
  cell: number;
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  buffers: Uint8Array[];
}

export type ToEngine =
  | { type: 'execute'; request: CellRequest }
  | { type: 'query'; id: number; name: keyof EngineQueries; params: unknown }
  | { type: 'input'; id: number; value?: string; error?: string }
  | { type: 'comm'; traffic: CommTraffic }
  | { type: 'shutdown' };

export type FromEngine =
  | { type: 'ready' }
  /** The first cell will not wait for the compiler. */
  | { type: 'warm' }
  | { type: 'output'; cell: number; output: CellOutput }
  | { type: 'comm'; traffic: CommTraffic }
  | { type: 'done'; cell: number; result: CellResult }
  | { type: 'answer'; id: number; answer?: unknown; error?: string }
  | { type: 'input'; id: number; cell: number; prompt: string; password: boolean };

/**
 * The engine writes this line to its raw stdout and stderr when a cell ends, so that the server knows
 * that it has read everything native code and child processes printed.
 */
export function outputFence(cell: number): string {
  return `\u0000flowbook-end-of-cell:${cell}\u0000\n`;
}

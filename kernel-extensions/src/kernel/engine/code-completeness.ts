import type ts from 'typescript';
import type { IsCompleteReply } from '../engine-messages';

/** "Unterminated template literal", "'*\/' expected": more lines can end them wherever they begin. */
const OPEN_TOKENS = new Set([1160, 1010]);

/** Whether code is a whole cell, needs more lines, or cannot become one. */
export function codeCompleteness(ts: typeof import('typescript'), code: string): IsCompleteReply {
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest) as ts.SourceFile & {
    parseDiagnostics: ts.Diagnostic[];
  };
  const errors = source.parseDiagnostics;
  if (errors.length === 0) return { status: 'complete' };
  const end = code.trimEnd().length;
  const open = errors.some(
    (error) =>
      OPEN_TOKENS.has(error.code) ||
      ((error.start ?? 0) + (error.length ?? 0) >= end && (error.start ?? 0) >= end),
  );
  const earlier = errors.some((error) => (error.start ?? 0) < end && !OPEN_TOKENS.has(error.code));
  if (!open || earlier) return { status: 'invalid' };
  return { status: 'incomplete', indent: nextIndent(code) };
}

/** The indentation of the next line: that of the last one, deeper after an opening bracket. */
function nextIndent(code: string): string {
  const lastLine = code.slice(code.lastIndexOf('\n') + 1);
  const indent = /^\s*/.exec(lastLine)?.[0] ?? '';
  return /[{([]\s*$/.test(lastLine) ? `${indent}  ` : indent;
}

import { readFileSync } from 'node:fs';

/**
 * The second line of every exported script. Not `npx tsx`: that program passes a signal on twice within 60 ms and then kills,
 * so that a script that is stopped writes no checkpoint.
 */
export const flagsComment = '// Its flags: node --import tsx';

/** What scripts of earlier versions have there. */
const earlierComment = '// Its flags: npx tsx';

/** Whether a script is an exported notebook, which takes `--out`; others find their folder in FLOWBOOK_RUN_DIR. */
export function isExported(script: string): boolean {
  const text = readFileSync(script, 'utf8');
  return text.includes(flagsComment) || text.includes(earlierComment);
}

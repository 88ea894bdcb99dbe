import { readFileSync } from 'node:fs';

/** The second line of every exported script. */
export const flagsComment = '// Its flags: npx tsx';

/** Whether a script is an exported notebook, which takes `--out`; others find their folder in FLOWBOOK_RUN_DIR. */
export function isExported(script: string): boolean {
  return readFileSync(script, 'utf8').includes(flagsComment);
}

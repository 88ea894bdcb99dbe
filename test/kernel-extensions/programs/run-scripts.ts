import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Program } from './program';

/** Marks the beginning of a program's output. */
const MARK = '#### ';

/** Writes each program as a script into a folder and runs all of them with tsx, one after another; what each prints. */
export function runScripts(folder: string, programs: Program[]): string[] {
  const names = programs.map(({ cells }, index) => {
    const text = `${cells.map(({ source }) => source).join('\n')}\nexport {};\n`;
    const isJsx = /@jsx/.test(text);
    const name = `script-${index}.${isJsx ? 'tsx' : 'mts'}`;
    writeFileSync(join(folder, name), text);
    return name;
  });
  writeFileSync(
    join(folder, 'all.mjs'),
    `for (const name of ${JSON.stringify(names)}) {
      console.log(${JSON.stringify(MARK)} + name);
      try { await import('./' + name) } catch (error) { console.log('THROWN', error) }
    }`,
  );
  const tsx = resolve(__dirname, '../../../node_modules/tsx/dist/cli.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [tsx, join(folder, 'all.mjs')], {
    cwd: folder,
    encoding: 'utf8',
  });
  const parts = stdout.split(new RegExp(`^${MARK}.*\\n`, 'm')).slice(1);
  if (parts.length === programs.length) return parts;
  throw new Error(`Cannot run the scripts as tsx must run all of them: ${stderr}`);
}

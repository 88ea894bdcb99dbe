import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './program';
import { templatePrograms } from './templates';

/** Lines below a cell that say what it shows. */
const EXPECTED = /^\/\/([>!]) ?(.*)\n/gm;

/** The programs of a `.cells` file: `=== name`, `--- file` until `--- end`, cells between `// %%`. */
export function readPrograms(text: string): Program[] {
  return text.split(/^=== /m).slice(1).map(readProgram);
}

function readProgram(text: string): Program {
  const end = text.indexOf('\n');
  const files: Record<string, string> = {};
  const body = text.slice(end + 1).replace(/^--- [^]*?^--- end\n/m, (block) => {
    for (const file of block.split(/^--- /m).slice(1, -1)) {
      const line = file.indexOf('\n');
      files[file.slice(0, line)] = file.slice(line + 1);
    }
    return '';
  });
  const cells = body.split(/^\/\/ %%\n/m).map((cell) => ({
    source: cell.replace(EXPECTED, ''),
    expected: [...cell.matchAll(EXPECTED)].map(
      ([, mark, line]) => (mark === '!' ? mark : '') + line,
    ),
  }));
  return { name: text.slice(0, end), cells, files };
}

/** All programs by feature. */
export function allPrograms(): Map<string, Program[]> {
  const features = new Map<string, Program[]>();
  for (const file of readdirSync(__dirname).sort()) {
    if (!file.endsWith('.cells')) continue;
    const text = readFileSync(join(__dirname, file), 'utf8');
    features.set(file.replace('.cells', ''), readPrograms(text));
  }
  return features.set('templates', templatePrograms());
}

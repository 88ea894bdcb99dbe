import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import { isLong } from '../../long-run';
import { printed } from '../kernel/running-kernel';
import type { Program } from './program';
import { allPrograms } from './programs';
import { runScripts } from './run-scripts';

/** One of this many programs runs in `npm test`, all in `npm run test:long`. */
const SHARE = isLong ? 1 : 5;

/** What a program's cells print, and how those end that fail. */
async function runCells(kernel: KernelClient, { cells }: Program): Promise<string[]> {
  const lines: string[] = [];
  for (const cell of cells) {
    const result = await kernel.execute(cell.source);
    const text = printed(result);
    if (text !== '') lines.push(...text.replace(/\n$/, '').split('\n'));
    if (result.error) lines.push(`!${result.error.traceback.join('\n')}`);
  }
  return lines;
}

describe('short programs', () => {
  let kernel: KernelClient;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flowbook-test-')));
  const features = [...allPrograms()].map(
    ([feature, programs]) => [feature, programs.filter((_, index) => index % SHARE === 0)] as const,
  );

  before(async function () {
    this.timeout(120_000);
    const files = features.flatMap(([, programs]) =>
      programs.flatMap((program) => Object.entries(program.files)),
    );
    for (const [name, text] of [['package.json', '{ "type": "module" }'], ...files]) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    kernel = await KernelClient.start({ cwd: folder });
  });
  after(async () => {
    await kernel.shutdown();
    rmSync(folder, { recursive: true });
  });

  it('are more than 200', () => {
    const count = [...allPrograms().values()].reduce((sum, { length }) => sum + length, 0);
    assert.ok(count >= 200, `${count} programs`);
  });

  for (const [feature, programs] of features) {
    it(`of ${feature} print in cells what tsx prints, or what they say`, async function () {
      this.timeout(300_000);
      const expectedOf = ({ cells }: Program) => cells.flatMap(({ expected }) => expected);
      const scripts = programs.filter((program) => expectedOf(program).length === 0);
      const outputs = runScripts(folder, scripts);
      const wrong: string[] = [];
      for (const program of programs) {
        const printedLines = await runCells(kernel, program);
        const script = outputs[scripts.indexOf(program)];
        const expected = expectedOf(program);
        const problem =
          expected.length > 0
            ? differsFromExpected(printedLines, expected)
            : printedLines.join('\n') !== script.replace(/\n$/, '') &&
              `a script prints:\n${script}`;
        if (problem) wrong.push(`${program.name}: ${problem}\ncells:\n${printedLines.join('\n')}`);
      }
      if (wrong.length > 0) assert.fail(wrong.join('\n\n'));
    });
  }
});

function differsFromExpected(lines: string[], expected: string[]): string | false {
  const fits = (line: string, rule: string) =>
    rule.startsWith('!') ? line.startsWith('!') && line.includes(rule.slice(1)) : line === rule;
  const same =
    lines.length === expected.length && expected.every((rule, index) => fits(lines[index], rule));
  return !same && `expected:\n${expected.join('\n')}`;
}

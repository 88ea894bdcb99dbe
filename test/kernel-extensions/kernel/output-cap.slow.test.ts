import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CellOutputs } from '../../../kernel-extensions/src/kernel/engine/cell-output';
import { OutputCap } from '../../../kernel-extensions/src/kernel/output-cap';
import type { CellOutput } from '../../../kernel-extensions/src/kernel/protocol/outputs';
import { temporaryFolder } from '../../setup/temporary-folder';
import { printed, resultText, runningKernel } from './running-kernel';

function bundle(output: CellOutput | null | undefined): Record<string, unknown> {
  assert.equal(output?.output_type, 'display_data');
  return (output as { data: Record<string, unknown> }).data;
}

describe('OutputCap', () => {
  const folder = temporaryFolder();

  it('take() sends whole characters up to the limit, and puts the rest in a file that it names once', () => {
    const cap = new OutputCap(folder.path, 'cell', 10);
    assert.deepEqual(cap.take(1, '12345é'), { text: '12345é', notice: null });
    const over = cap.take(1, 'a😀b');
    assert.equal(over.text, 'a');
    assert.deepEqual(cap.take(1, 'more'), { text: '', notice: null });
    assert.deepEqual(cap.take(2, 'another cell'.slice(0, 10)).notice, null);
    const file =
      /flowbook-output\/\S+-cell-1\.txt/.exec(String(bundle(over.notice)['text/plain']))?.[0] ?? '';
    assert.equal(readFileSync(join(folder.path, file), 'utf8'), '😀bmore');
    assert.match(String(bundle(over.notice)['text/html']), new RegExp(`<a href="${file}">`));
  });

  it('take() uses the temporary folder where it cannot write beside the notebook', () => {
    const { notice } = new OutputCap('/dev/null', 'native', 1).take(1, 'ab');
    const path = /the rest is in (\/\S+)/.exec(String(bundle(notice)['text/plain']))?.[1] ?? '';
    assert.equal(readFileSync(path, 'utf8'), 'b');
  });
});

describe('CellOutputs', () => {
  it('print() cuts a large text into pieces that a server takes, between characters', () => {
    const sent: string[] = [];
    const outputs = new CellOutputs(
      (_, output) => output.output_type === 'stream' && sent.push(output.text),
      { take: (_, text) => ({ text, notice: null }) },
    );
    const text = `${'x'.repeat(65_535)}${'😀'.repeat(200_000)}`;
    outputs.print(1, 'stdout', text);
    assert.ok(sent.length > 3);
    assert.ok(sent.every((piece) => piece.length <= 2 * 65_536 && !/[\ud800-\udbff]$/.test(piece)));
    assert.equal(sent.join(''), text);
  });
});

describe('a burst of output', () => {
  const folder = temporaryFolder();
  const running = runningKernel(() => ({ cwd: folder.path }));
  const MIB = 1 << 20;
  const kept = () => readdirSync(join(folder.path, 'flowbook-output')).sort();
  const read = (name: string) => readFileSync(join(folder.path, 'flowbook-output', name), 'utf8');

  it('of 200 MB of lines reaches the notebook up to 32 MiB, and a file with the rest', async () => {
    const result = await running.kernel.execute(
      "const line = 'x'.repeat(999); for (let i = 0; i < 200_000; i++) console.log(line);",
    );
    assert.equal(result.status, 'ok');
    const shown = printed(result);
    assert.equal(shown.length, 32 * MIB);
    const [file] = kept();
    assert.equal(shown.length + read(file).length, 200_000_000);
    const notices = result.outputs.filter(({ output_type }) => output_type === 'display_data');
    assert.equal(notices.length, 1);
    assert.match(
      String(bundle(notices[0])['text/html']),
      new RegExp(`href="flowbook-output/${file}"`),
    );
    assert.equal(resultText(await running.kernel.execute('1 + 1')), '2');
  }).timeout(120_000);

  it('of a child process is kept in the same way', async () => {
    const result = await running.kernel.execute(
      "import { spawnSync } from 'node:child_process';\n" +
        "spawnSync('sh', ['-c', 'yes | head -c 40000000'], { stdio: 'inherit' });",
    );
    const native = kept().find((name) => name.includes('native')) ?? '';
    assert.equal(printed(result).length, 32 * MIB);
    assert.equal(read(native).length, 40_000_000 - 32 * MIB);
  }).timeout(120_000);
});

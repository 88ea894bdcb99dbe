import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../setup/temporary-folder';
import { runningKernel } from './running-kernel';

/** Code with a bar where the cursor is. */
function atBar(text: string): [code: string, cursor: number] {
  return [text.replace('|', ''), text.indexOf('|')];
}

describe('completion and inspection', () => {
  const folder = temporaryFolder();
  const running = runningKernel(() => ({ cwd: folder.path }));

  async function complete(text: string) {
    const [code, cursor] = atBar(text);
    const { matches, cursor_start, cursor_end } = await running.kernel.complete(code, cursor);
    return { matches, replaced: code.slice(cursor_start, cursor_end) };
  }
  const inspect = async (text: string) =>
    (await running.kernel.inspect(...atBar(text))).data['text/markdown'] ?? '';

  before(async () => {
    mkdirSync(join(folder.path, 'models/tiny'), { recursive: true });
    writeFileSync(join(folder.path, 'helper.ts'), 'export const help = 1;');
    writeFileSync(join(folder.path, 'hello.json'), '{}');
    writeFileSync(join(folder.path, 'models/heads.ts'), '');
    mkdirSync(join(folder.path, 'node_modules/@scope/pack'), { recursive: true });
    writeFileSync(
      join(folder.path, 'node_modules/@scope/pack/package.json'),
      JSON.stringify({ exports: { '.': './a.js', './extra': './b.js', './package.json': './p' } }),
    );
    await running.kernel.execute("import * as tf from '@tensorflow/tfjs';");
  });

  it('completes paths of imports: files, packages, what they export', async () => {
    assert.deepEqual(await complete("import { help } from './he|'"), {
      matches: ['hello.json', 'helper'],
      replaced: 'he',
    });
    assert.deepEqual(await complete("const m = await import('./models/|"), {
      matches: ['heads', 'tiny/'],
      replaced: '',
    });
    assert.deepEqual(await complete("import '@scope/|x';"), {
      matches: ['@scope/pack'],
      replaced: '@scope/x',
    });
    assert.deepEqual((await complete("from '@scope/pack/|'")).matches, ['@scope/pack/extra']);
    assert.deepEqual((await complete("require('node:fs/|')")).matches, ['node:fs/promises']);
    assert.ok((await complete("from '@flow|'")).matches.includes('@flowbook/sdk'));
  });

  it('completes what a package exports, members, and names of other cells', async () => {
    assert.deepEqual((await complete('tf.tensor2|')).matches, ['tensor2d']);
    const exported = await complete("import { tensor2| } from '@tensorflow/tfjs'");
    assert.equal(exported.matches[0], 'tensor2d');
    assert.deepEqual(await complete('const o = { alpha: 1 }; o.al|'), {
      matches: ['alpha'],
      replaced: 'al',
    });
  });

  it('says what a call takes, with the argument at the cursor first', async () => {
    assert.match(
      await inspect('tf.tensor2d([1, 2], |)'),
      /^```typescript\ntensor2d\(values: [^\n]*, shape\?: [^\n]*\): tf\.Tensor2D\n```\n\nCreates rank-2[^]*?\n\n\*@param\* shape\?: [^\n]* The shape of the tensor/,
    );
    const overloads = await inspect("'abc'.replace(|");
    assert.match(overloads, /^```typescript\nreplace\([^\n]*\nreplace\([^\n]*\n/);
  });

  it('says what a name is, also within a call', async () => {
    assert.match(
      await inspect('Math.floor(Math.ma|x(1, 2))'),
      /Math\.max\(\.\.\.values: number\[\]\)/,
    );
    assert.equal(await inspect('const x = 1;\n|'), '');
  });
});

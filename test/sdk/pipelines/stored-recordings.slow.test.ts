import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QwenImageTransformer2DModel, RandomKey } from '@flowbook/sdk';
import { closedOverBy } from '../../../sdk/src/models/closed-over';
import { flattenTree } from '../../../sdk/src/tensorflow/compile/tensor-tree';
import type { TensorTree } from '../../../sdk/src/tensorflow';
import { tinyInputs, tinyTransformer } from '../models/tiny-transformer';

const KNOWN = ['model:', 'model:weight', 'model:checkpointing', 'own:'];
/** What a function closes over is not told of these, or not to be kept. */
const UNKNOWN = ['model:forward', 'own:outside'];
const ALL = [...KNOWN, ...UNKNOWN];

interface Said {
  name: string;
  operations: number;
  bits: string;
}

describe('recordings on disk', () => {
  let cache: string;
  before(() => (cache = mkdtempSync(join(tmpdir(), 'flowbook-recorded-'))));
  after(() => rmSync(cache, { recursive: true }));

  const files = () =>
    readdirSync(join(cache, 'recorded')).map((name) => join(cache, 'recorded', name));
  const run = (names: string[], environment: NodeJS.ProcessEnv = {}) => {
    const program = join(__dirname, 'recorded-in-process.ts');
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--import', createRequire(__filename).resolve('tsx'), program, ...names],
      { encoding: 'utf8', env: { ...process.env, FLOWBOOK_CACHE: cache, ...environment } },
    );
    assert.equal(status, 0, stderr);
    const said = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Said);
    // Said of first calls that last over two seconds.
    return { said, stderr: stderr.replaceAll(/^compiling .*\n/gm, '') };
  };

  it('spare the next process the recording, and give the same bits; what is not known to follow from its key is not kept', () => {
    const recorded = run([...ALL, 'own:more rows'], { FLOWBOOK_COMPILED_STORE: 'off' }).said;
    assert.ok(recorded.every(({ operations }) => operations > 10));
    assert.equal(new Set(recorded.map(({ bits }) => bits)).size, recorded.length);
    const first = run(ALL).said;
    assert.deepEqual(first, recorded.slice(0, -1));
    assert.equal(
      files().length,
      2 * KNOWN.length,
      'predictions, and predictions with their gradient',
    );
    const second = run([...ALL, 'own:more rows'], { VARIABLES_BEFORE: '5' }).said;
    assert.deepEqual(
      second,
      recorded.map((one) => (KNOWN.includes(one.name) ? { ...one, operations: 0 } : one)),
    );
  }).timeout(300_000);

  it('are made anew where a file was changed, with a word on stderr', () => {
    for (const path of files()) {
      const bytes = readFileSync(path);
      bytes[bytes.length - 100] ^= 1;
      writeFileSync(path, bytes);
    }
    const { said, stderr } = run(['model:']);
    assert.ok(said[0].operations > 10);
    assert.match(stderr, /^(flowbook: records anew, as .+ was cut off or changed\n){2}$/);
    const again = run(['model:']);
    assert.deepEqual(again, { said: [{ ...said[0], operations: 0 }], stderr: '' });
  }).timeout(300_000);
});

describe('closedOverBy()', () => {
  const inputs = tinyInputs() as unknown as TensorTree;

  it('differs where a model would record something else', () => {
    const model = tinyTransformer();
    model.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
    const identity = (of = model, given = inputs) =>
      flattenTree(closedOverBy(of, given)?.identity).signature;
    const changes: (() => string)[] = [
      identity,
      () => (model.enableGradientCheckpointing(), identity()),
      () => (model.setAdapters('default', 0.5), identity()),
      () => (model.disableLora(), identity()),
      () => (
        model.addLora({ rank: 2, adapterName: 'more', key: RandomKey.fromSeed(2) }),
        identity()
      ),
      () => identity(tinyTransformer()),
      () => identity(tinyTransformer({ use_layer3d_rope: true })),
      () => identity(model, { ...(inputs as object), attention_kwargs: { scale: 2 } }),
    ];
    const identities = changes.map((change) => change());
    assert.equal(new Set(identities).size, changes.length);
    model.dispose();
  });

  it('is null for a model of another class, and for one whose forward pass is another', () => {
    class Mine extends QwenImageTransformer2DModel {}
    const model = tinyTransformer();
    assert.equal(closedOverBy({}, inputs), null);
    assert.equal(closedOverBy(Object.create(Mine.prototype) as object, inputs), null);
    assert.notEqual(closedOverBy(model, inputs), null);
    model.forward = model.forward.bind(model);
    assert.equal(closedOverBy(model, inputs), null);
    model.dispose();
  });
});

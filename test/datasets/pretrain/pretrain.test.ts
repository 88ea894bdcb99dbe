import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPipeline, type RolloutPipeline } from '@flowbook/sdk';

const REPOSITORY = join(__dirname, '..', '..', '..');
const WEIGHTS = ['vae', 'transformer'].map((part) =>
  join(part, 'diffusion_pytorch_model.safetensors'),
);

/** Runs `npm run pretrain` with a few steps; with `stopAt`, it is sent SIGTERM once it says that. */
async function pretrain(model: string, folder: string, stopAt?: RegExp) {
  const out = join(folder, 'out');
  const script = join(REPOSITORY, 'scripts', 'pretrain.mjs');
  const given = [script, model, '--smoke', '--work', join(folder, 'work'), '--out', out];
  const child = spawn(process.execPath, given, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    const before = stderr;
    stderr += data.toString();
    if (stopAt?.test(stderr) && !stopAt.test(before)) process.kill(-child.pid!, 'SIGTERM');
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr, out };
}

const hashesIn = (folder: string) =>
  WEIGHTS.map((file) =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex'),
  );

describe('npm run pretrain', function () {
  this.timeout(400_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pretrain-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes a Qwen-Image that loads and draws; stopped in the middle it goes on to the same weights', async () => {
    const whole = await pretrain('qwen-image', join(folder, 'whole'));
    assert.equal(whole.status, 0, whole.stderr);
    const summary = JSON.parse(whole.stdout.trimEnd().split('\n').at(-1) ?? '');
    assert.equal(summary.model, 'qwen-image');
    const shares = Object.values(summary).filter((value) => typeof value === 'number');
    assert.ok(shares.length > 1 && shares.every((share) => share >= 0 && share <= 1));

    const stopped = await pretrain('qwen-image', join(folder, 'parts'), /^transformer 2 of 4/m);
    assert.notEqual(stopped.status, 0, 'was not stopped');
    assert.ok(!existsSync(stopped.out));
    const resumed = await pretrain('qwen-image', join(folder, 'parts'));
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.doesNotMatch(resumed.stderr, /^transformer 2 of 4/m, 'began anew');
    assert.deepEqual(hashesIn(resumed.out), hashesIn(whole.out));

    const pipeline = await loadPipeline<RolloutPipeline>(whole.out, {
      algorithm: 'flow_grpo',
      pipeline: { height: 64, width: 64, num_inference_steps: 2, true_cfg_scale: 1 },
    });
    const { output } = await pipeline.forward({
      prompts: ['a red circle'],
      sampling_params: { seed: 1 },
    });
    assert.ok(Array.isArray(output));
    const [{ width, height, data }] = output;
    assert.deepEqual([width, height], [64, 64]);
    assert.ok(new Set(data).size > 1, 'of one shade');
    pipeline.dispose();
  });

  it('makes a Stable Diffusion 3 with charts of both parts', async () => {
    const { status, stderr, out } = await pretrain('sd3', folder);
    assert.equal(status, 0, stderr);
    assert.equal(hashesIn(out).length, 2);
    assert.match(stderr, /^autoencoder 4 of 4/m);
    assert.match(stderr, /^transformer 4 of 4/m);
    for (const part of ['vae', 'transformer']) {
      const chart = readFileSync(join(folder, 'work', part, 'curves.png'));
      assert.equal(chart.toString('latin1', 1, 4), 'PNG');
    }
  });

  it('refuses a model that there is not', async () => {
    const { status, stderr } = await pretrain('sdxl', folder);
    assert.equal(status, 1);
    assert.match(stderr, /model must be one of qwen-image, sd3: current value is sdxl/);
  });
});

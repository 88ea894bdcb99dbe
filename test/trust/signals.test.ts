import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readNotebook } from '@flowbook/kernel-extensions';
import { checkpointIn, readRunRecord } from '@flowbook/sdk';
import { exportNotebook } from '../../kernel-extensions/src/export/export-notebook';
import { exitCodes } from '../../kernel-extensions/src/script/exit-codes';
import { whatIsBroken } from '../../sdk/src/training/run/checkpoint-manifest';
import { Workspace } from '../kernel-extensions/notebook-of';

const root = join(__dirname, '../..');
const tsx = createRequire(__filename).resolve('tsx');

const TRAINING = `
import { loadPipeline, trainFlowGRPO } from '@flowbook/sdk'
const pipeline = await loadPipeline(${JSON.stringify(join(root, 'test/golden/models/tiny-qwen-image'))},
  { height: 32, width: 32, num_inference_steps: 4, algorithm: 'flow_grpo' })
await trainFlowGRPO(pipeline, { prompts: ['a red fox'], reward: 'redness', groupSize: 2, steps: 100000,
  compile: false, onStep: ({ step }) => console.log('step', step) })`;

const WAITING = `
console.log('step', 2)
await new Promise((resolve) => setTimeout(resolve, 60_000))`;

/** Its step goes on for two seconds after the signal, one of them in a loop that lets nothing else run. */
const SLOW_TRAINING = `
import { loadPipeline, trainFlowGRPO } from '@flowbook/sdk'
const pipeline = await loadPipeline(${JSON.stringify(join(root, 'test/golden/models/tiny-qwen-image'))},
  { height: 32, width: 32, num_inference_steps: 4, algorithm: 'flow_grpo' })
await trainFlowGRPO(pipeline, { prompts: ['a red fox'], reward: 'redness', groupSize: 2, steps: 100000,
  compile: false, onStep: async () => {
    for (const end = Date.now() + 1500; Date.now() < end; ) {}
    await new Promise((resolve) => setTimeout(resolve, 1000))
  } })`;

describe('a script that is stopped by a signal', function () {
  this.timeout(120_000);
  const workspace = new Workspace();
  const scripts: Record<string, string> = {};

  before(async () => {
    for (const [name, source] of Object.entries({ training: TRAINING, waiting: WAITING })) {
      const notebookFile = workspace.writeNotebook(`${name}.ipynb`, [{ id: name, source }]);
      const scriptFile = workspace.path(`${name}.ts`);
      const { text } = await exportNotebook(readNotebook(notebookFile), {
        notebookFile,
        scriptFile,
      });
      writeFileSync(scriptFile, text);
      scripts[name] = scriptFile;
    }
  });
  after(() => workspace.remove());

  /** Sends a signal after the second step. */
  function stopped(name: string, signal: NodeJS.Signals, out: string): Promise<number | null> {
    const child = spawn(process.execPath, ['--import', tsx, scripts[name], '--out', out], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let isSent = false;
    child.stdout.on('data', (text) => {
      if (isSent || !String(text).includes('step 2')) return;
      isSent = true;
      child.kill(signal);
    });
    return new Promise((resolve) => child.once('exit', resolve));
  }

  for (const [name, signal, code] of [
    ['training', 'SIGTERM', exitCodes.toResume],
    ['training', 'SIGINT', exitCodes.interrupted],
    ['waiting', 'SIGTERM', exitCodes.terminated],
  ] as const) {
    it(`${name}, ${signal}: exits with ${code}`, async () => {
      const out = workspace.path(`${name}-${signal}`);
      assert.equal(await stopped(name, signal, out), code);
      if (name === 'waiting') return;
      assert.equal(readRunRecord(out)?.state, 'aborted');
      assert.equal(whatIsBroken(checkpointIn(out) ?? ''), null);
      assert.ok(!existsSync(join(out, 'lock.json')));
    });
  }
});

describe('flowbook run, stopped by a signal', function () {
  this.timeout(120_000);
  const workspace = new Workspace();
  let child: ChildProcess;
  let ended: Promise<number | null>;
  afterEach(async () => {
    child.kill('SIGKILL');
    await ended;
    workspace.remove();
  });

  it('waits for the checkpoint of a training, however long its step takes', async () => {
    const notebook = workspace.writeNotebook('slow.ipynb', [{ id: 'slow', source: SLOW_TRAINING }]);
    const out = workspace.path('out');
    const flowbook = join(root, 'kernel-extensions/bin/flowbook.mjs');
    child = spawn(process.execPath, [flowbook, 'run', notebook, '--out', out], {
      cwd: root,
      stdio: 'ignore',
    });
    ended = new Promise((resolve) => child.once('exit', resolve));
    while ((readRunRecord(out)?.step ?? 0) < 1) {
      assert.equal(child.exitCode ?? child.signalCode, null, 'ends before its first step');
      await wait(50);
    }
    child.kill('SIGTERM');
    assert.equal(await ended, exitCodes.toResume);
    assert.equal(readRunRecord(out)?.state, 'aborted');
    assert.equal(whatIsBroken(checkpointIn(out) ?? ''), null);
    assert.ok(!existsSync(join(out, 'lock.json')));
    const { cells } = readNotebook(join(out, 'slow.ipynb'));
    // The cell has ended by itself, and shows what the training returned.
    assert.deepEqual(
      cells[0].outputs!.map(({ output_type }) => output_type),
      ['execute_result'],
    );
  });
});

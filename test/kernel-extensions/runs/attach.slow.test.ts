import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemorySink, attach, mime } from '@flowbook/kernel-extensions';
import { loadPipeline, readRunPictures, trainFlowGRPO } from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

const RUN = {
  prompts: ['a red fox', 'two cats'],
  reward: 'redness',
  promptsPerStep: 1,
  groupSize: 2,
  compile: false,
  sdeWindowRange: [0, 3] as const,
};

const textsOf = (sink: MemorySink, name: string) =>
  sink.published
    .filter(({ bundle }) => bundle.name === name)
    .map(({ bundle }) => String(bundle.data[mime.plain]));

describe('attach()', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-attach-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  async function train(steps: number): Promise<void> {
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    const evaluation = { prompts: ['a red fox'], everySteps: 1, beforeTraining: true };
    await trainFlowGRPO(pipeline, { ...RUN, steps, evaluation, runDirectory: folder });
    pipeline.dispose();
  }

  it('draws a run that has ended, from its folder alone', async () => {
    await train(2);
    const sink = new MemorySink();
    const { state, step } = await attach(folder, { sink });
    assert.deepEqual([state, step], ['finished', 2]);
    assert.match(textsOf(sink, 'training').at(-1) ?? '', /step 2 of 2 .+ finished/);
    assert.match(textsOf(sink, 'picture-timeline').at(-1) ?? '', /3 evaluations, steps 0 to 2/);
    // One that was removed since is left out.
    const [{ file }] = readRunPictures(folder);
    rmSync(join(folder, 'pictures', file));
    await attach(folder, { sink });
    assert.match(textsOf(sink, 'picture-timeline').at(-1) ?? '', /2 evaluations, steps 1 to 2/);
  });

  it('follows a run of another process until it ends', async () => {
    const program = `
      const { loadPipeline, trainFlowGRPO } = require('@flowbook/sdk');
      loadPipeline(${JSON.stringify(MODEL)}, { height: 32, width: 32, num_inference_steps: 4 }).then((pipeline) =>
        trainFlowGRPO(pipeline, { ...${JSON.stringify(RUN)}, steps: 6, runDirectory: ${JSON.stringify(folder)},
          onStep: () => new Promise((done) => setTimeout(done, 300)) }));`;
    const root = join(__dirname, '../../..');
    const other = spawn(process.execPath, ['--import', 'tsx', '-e', program], { cwd: root });
    const errors: Buffer[] = [];
    other.stderr.on('data', (part: Buffer) => errors.push(part));
    const ended = new Promise((done) => other.once('exit', done));
    const sink = new MemorySink();
    const signal = AbortSignal.timeout(60_000);
    const isThere = async (): Promise<void> => {
      try {
        readFileSync(join(folder, 'run.json'));
      } catch {
        assert.equal(other.exitCode, null, Buffer.concat(errors).toString());
        await new Promise((done) => setTimeout(done, 20));
        await isThere();
      }
    };
    await isThere();
    const { state } = await attach(folder, { sink, signal, pollMs: 50 });
    await ended;
    assert.equal(state, 'finished');
    const texts = textsOf(sink, 'training');
    assert.ok(texts.length > 1);
    assert.match(texts[0], /left|step 0 of 6/);
    assert.match(texts.at(-1) ?? '', /step 6 of 6 .+ finished/);
  });

  it('says of a run whose process is gone that it is lost, and of a folder without a run what is missing', async () => {
    await train(1);
    const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
    const gone = { ...record, state: 'running', process: { ...record.process, pid: 2 ** 22 + 1 } };
    writeFileSync(join(folder, 'run.json'), JSON.stringify(gone));
    const sink = new MemorySink();
    await attach(folder, { sink });
    assert.match(textsOf(sink, 'training').at(-1) ?? '', / lost/);
    const empty = join(folder, 'pictures');
    await assert.rejects(attach(empty, { sink }), {
      message: `Cannot attach to a run as its folder must hold run.json: current value is "${empty}"`,
    });
  });

  it('stops following when the signal is aborted', async () => {
    await train(1);
    const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
    writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...record, state: 'running' }));
    const sink = new MemorySink();
    const { state } = await attach(folder, { sink, signal: AbortSignal.timeout(200) });
    assert.equal(state, 'running');
  });
});

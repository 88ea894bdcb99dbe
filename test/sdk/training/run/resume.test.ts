import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FlowGRPOTrainer,
  isRunning,
  readRunLog,
  readRunPictures,
  readRunRecord,
  runTraining,
  type RunRecord,
} from '@flowbook/sdk';
import { isFast } from '../../../long-run';
import { textOnStderr } from '../../io/hub/text-on-stderr';
import {
  SMALL_RUNS,
  inFolder,
  loadSmall,
  trainedWeights,
  withoutTimes,
  type SmallOptions,
  type SmallRun,
} from './small-runs';

const WAYS: Record<string, SmallOptions> = {
  'all weights': { ema: 0.9, promptPriority: {} },
  adapters: { ema: 0.9, lora: { rank: 2, targetModules: ['to_q', 'to_v'] } },
  'adapters, compiled': { compile: true, ema: 0.9, lora: { rank: 2, targetModules: ['to_q'] } },
};

/** Every algorithm in every way; in fast runs each algorithm in one way, in turn. */
const isTried = (algorithm: number, way: number): boolean =>
  !isFast || algorithm % Object.keys(WAYS).length === way;

/** Trains anew, and returns everything by which a run can be told from another one. */
async function run({ algorithm, train }: SmallRun, options: SmallOptions) {
  const pipeline = await loadSmall(algorithm);
  try {
    const { stopped, log, folder } = await train(pipeline, options);
    const last = folder && join(folder, 'checkpoints/last');
    const files = ['optimizer.safetensors', 'policy-old.safetensors', 'ema'];
    const kept = files.flatMap((name) => {
      const path = join(last ?? '', name);
      const file = ['diffusion_pytorch_model', 'pytorch_lora_weights']
        .map((stem) => join(path, `${stem}.safetensors`))
        .concat(path)
        .find((one) => existsSync(one) && one.endsWith('.safetensors'));
      return file === undefined ? [] : [readFileSync(file).toString('base64')];
    });
    return { stopped, log: withoutTimes(log), weights: trainedWeights(pipeline), kept, folder };
  } finally {
    pipeline.dispose();
  }
}

/** What a checkpoint says of what its run's steps follow from. */
interface Basis {
  settings: { learningRate: number; evaluation: object };
  model: { pipeline: object };
  versions: object;
}

/** Changes what a checkpoint says of itself, and its manifest with it. */
function changeState(checkpoint: string, change: (state: Basis) => object): void {
  const [state, manifest] = ['state.json', 'manifest.json'].map((name) => join(checkpoint, name));
  const text = JSON.stringify(change(JSON.parse(readFileSync(state, 'utf8'))));
  writeFileSync(state, text);
  const { files } = JSON.parse(readFileSync(manifest, 'utf8'));
  const sha256 = createHash('sha256').update(text).digest('hex');
  files['state.json'] = { bytes: Buffer.byteLength(text), sha256 };
  writeFileSync(manifest, JSON.stringify({ files }));
}

describe('resume', function () {
  this.timeout(180_000);

  for (const [algorithm, [name, small]] of Object.entries(SMALL_RUNS).entries()) {
    for (const [index, [what, { promptPriority, ...way }]] of Object.entries(WAYS).entries()) {
      if (!isTried(algorithm, index)) continue;
      // Given pairs have no prompts that could be drawn by priority.
      const byPriority = promptPriority && name !== 'offline Diffusion-DPO';
      const options = { ...way, ...(byPriority && { promptPriority }) };
      it(`${name}, ${what}: a run that was stopped ends as one that was not, to the last bit`, () =>
        inFolder(async (parent) => {
          const whole = await run(small, { ...options, runDirectory: join(parent, 'whole') });
          assert.deepEqual([whole.stopped, whole.log.length], ['finished', 4]);
          const runDirectory = join(parent, 'stopped');
          const controller = new AbortController();
          const first = await run(small, {
            ...options,
            runDirectory,
            signal: controller.signal,
            onStep: ({ step }) => void (step === 2 && controller.abort()),
          });
          assert.deepEqual([first.stopped, first.log.length], ['aborted', 2]);
          assert.notDeepEqual(first.weights, whole.weights);
          const second = await run(small, { ...options, runDirectory, resume: true });
          assert.equal(second.stopped, 'finished');
          assert.deepEqual(second.log, whole.log);
          assert.deepEqual(second.weights, whole.weights);
          assert.ok(second.kept.length >= 2);
          assert.deepEqual(second.kept, whole.kept);
          assert.deepEqual(withoutTimes(readRunLog(runDirectory).lines), whole.log);
          assert.deepEqual(readRunRecord(runDirectory)?.resumedAfter, [2]);
        }));
    }
  }

  /** Rates evaluations; the second one ends as `end` does. */
  const evaluated = (end: (() => never) | null) => {
    let rated = 0;
    const reward = async (pictures: readonly unknown[]) => {
      rated += 1;
      if (rated === 2 && end !== null) end();
      return pictures.map(() => 0.5);
    };
    return { prompts: ['a red fox'], reward, everySteps: 1, numInferenceSteps: 2 };
  };

  for (const name of ['FlowGRPO', 'offline Diffusion-DPO']) {
    for (const how of ['failed', 'was stopped']) {
      it(`${name}: a step whose evaluation ${how} is in the log and the last checkpoint, and a resumed run makes that evaluation`, () =>
        inFolder(async (parent) => {
          const own = { steps: 3, ema: 0.9, checkpointEverySteps: 9 };
          const whole = await run(SMALL_RUNS[name], {
            ...own,
            evaluation: evaluated(null),
            runDirectory: join(parent, 'whole'),
          });
          const runDirectory = join(parent, 'stopped');
          const controller = new AbortController();
          const end = (): never => {
            if (how === 'was stopped') controller.abort(new Error('stopped'));
            throw new Error('the server is gone');
          };
          const options = { ...own, runDirectory, evaluation: evaluated(end) };
          const first = run(SMALL_RUNS[name], { ...options, signal: controller.signal });
          if (how === 'failed') await assert.rejects(first, /the server is gone/);
          else assert.equal((await first).stopped, 'aborted');
          const { lines } = readRunLog(runDirectory);
          assert.deepEqual(
            lines.map((line) => [line.step, line['evaluation/reward']]),
            [
              [1, 0.5],
              [2, undefined],
            ],
          );
          const stepOf = (checkpoint: string): number =>
            JSON.parse(
              readFileSync(join(runDirectory, 'checkpoints', checkpoint, 'state.json'), 'utf8'),
            ).step;
          assert.deepEqual([stepOf('last'), stepOf('best')], [2, 1]);
          const second = await run(SMALL_RUNS[name], {
            ...own,
            runDirectory,
            evaluation: evaluated(null),
            resume: true,
          });
          assert.deepEqual(second.log, whole.log);
          assert.deepEqual(second.weights, whole.weights);
          assert.deepEqual(second.kept, whole.kept);
          assert.deepEqual(withoutTimes(readRunLog(runDirectory).lines), whole.log);
          assert.deepEqual(
            readRunPictures(runDirectory).map(({ step }) => step),
            [1, 2, 3],
          );
          assert.deepEqual(readRunRecord(runDirectory)?.resumedAfter, [2]);
        }));
    }
  }

  it('a trainer that is asked for more makes the evaluation that failed first, and one that is resumed ends with the step asked for', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('flow_grpo');
      const trainer = new FlowGRPOTrainer(pipeline, {
        prompts: ['a red fox'],
        reward: 'redness',
        groupSize: 2,
        steps: 4,
        compile: false,
        sdeWindowRange: [0, 3],
        evaluation: evaluated(() => {
          throw new Error('the server is gone');
        }),
      });
      const steps: number[] = [];
      const go = (options: object) =>
        runTraining(trainer, {
          runDirectory: folder,
          onStep: ({ step }) => void steps.push(step),
          ...options,
        });
      await assert.rejects(go({}), /the server is gone/);
      assert.deepEqual([trainer.stepsDone, trainer.unevaluated?.step, steps], [2, 2, [1]]);
      const { log } = await go({ steps: 0 });
      assert.deepEqual([trainer.stepsDone, trainer.unevaluated, steps], [2, null, [1, 2]]);
      assert.deepEqual(
        log.map((line) => [line.step, line['evaluation/reward']]),
        [
          [1, 0.5],
          [2, 0.5],
        ],
      );
      assert.deepEqual(readRunLog(folder).lines, log);
      assert.equal((await go({ resume: true })).stopped, 'finished');
      assert.deepEqual([trainer.stepsDone, readRunRecord(folder)?.steps], [4, 4]);
      trainer.dispose();
      pipeline.dispose();
    }));

  it('a run whose process was killed ends as one that was not', () =>
    inFolder(async (parent) => {
      const options = { ema: 0.9, checkpointEverySteps: 1 };
      const whole = await run(SMALL_RUNS.DiffusionNFT, options);
      const runDirectory = join(parent, 'killed');
      const program = `
        const { SMALL_RUNS, loadSmall } = require(${JSON.stringify(join(__dirname, 'small-runs'))});
        const { algorithm, train } = SMALL_RUNS.DiffusionNFT;
        const options = { ...${JSON.stringify({ ...options, runDirectory })} };
        loadSmall(algorithm).then((pipeline) => train(pipeline, options));`;
      const child = spawn(process.execPath, ['--import', 'tsx', '-e', program], {
        cwd: join(__dirname, '../../../..'),
        stdio: 'ignore',
      });
      const ended = new Promise((done) => child.once('exit', done));
      const lines = () => readRunLog(runDirectory).lines.length;
      while (lines() < 2 && child.exitCode === null) {
        await new Promise((done) => setTimeout(done, 5));
      }
      child.kill('SIGKILL');
      await ended;
      assert.equal(isRunning(readRunRecord(runDirectory) as RunRecord), false);
      // Killed before its first checkpoint was whole, it begins anew: 'auto' is what a script that is restarted asks for.
      const resumed = await run(SMALL_RUNS.DiffusionNFT, {
        ...options,
        runDirectory,
        resume: 'auto',
      });
      assert.deepEqual(resumed.log, whole.log);
      assert.deepEqual(resumed.weights, whole.weights);
    }));

  it('names each setting, key of the model and version that is another than the checkpoint says, and takes one that says none', () =>
    inFolder(async (runDirectory) => {
      const checkpoint = join(runDirectory, 'checkpoints/last');
      const options = { runDirectory, evaluation: { prompts: ['a red fox'], everySteps: 9 } };
      const resumed = (steps: number) =>
        textOnStderr(() => run(SMALL_RUNS.FlowGRPO, { ...options, steps, resume: true }));
      await run(SMALL_RUNS.FlowGRPO, { ...options, steps: 1 });
      assert.doesNotMatch(await resumed(1), /difference/);
      changeState(checkpoint, ({ settings, model, versions, ...state }) => ({
        ...state,
        settings: {
          ...settings,
          learningRate: 0.5,
          evaluation: { ...settings.evaluation, everySteps: 8 },
        },
        model: { ...model, pipeline: { ...model.pipeline, width: 64 } },
        versions: { ...versions, node: '0.1.0' },
      }));
      const differences = (await resumed(2)).split('\n').filter((line) => /difference/.test(line));
      assert.deepEqual(
        differences,
        [
          'settings.steps was 1, and is 2',
          'settings.learningRate was 0.5, and is 0.001',
          'settings.evaluation.everySteps was 8, and is 9',
          'model.pipeline.width was 64, and is 32',
          `versions.node was "0.1.0", and is "${process.versions.node}"`,
        ].map((difference) => `Goes on from "${checkpoint}" with a difference: ${difference}`),
      );
      changeState(checkpoint, (state) => ({
        ...state,
        settings: undefined,
        model: undefined,
        versions: undefined,
      }));
      assert.doesNotMatch(await resumed(3), /difference/);
      assert.deepEqual(readRunRecord(runDirectory)?.resumedAfter, [1, 1, 2]);
    }));

  it('is what FLOWBOOK_RESUME=auto makes of a run of the same settings, once a process', async () => {
    const { algorithm, train } = SMALL_RUNS.FlowGRPO;
    for (const microBatchSize of [4, 'auto'] as const) {
      await inFolder(async (folder) => {
        const run = async (options: object) => {
          const pipeline = await loadSmall(algorithm);
          const own = { microBatchSize, runDirectory: folder, checkpointEverySteps: 1 };
          await textOnStderr(() => train(pipeline, { ...own, steps: 2, ...options }));
          pipeline.dispose();
          return readRunRecord(folder)?.resumedAfter;
        };
        const stop = new AbortController();
        await run({ signal: stop.signal, onStep: () => stop.abort() });
        process.env.FLOWBOOK_RESUME = 'auto';
        try {
          assert.deepEqual(await run({}), [1]);
          assert.deepEqual(
            readRunLog(folder).lines.map(({ step }) => step),
            [1, 2],
          );
          assert.deepEqual(await run({}), []);
        } finally {
          delete process.env.FLOWBOOK_RESUME;
        }
      });
    }
  });
});

import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import {
  FlowGRPOTrainer,
  isRunning,
  runFlowGRPO,
  readImage,
  readRunLog,
  readRunPictures,
  readRunRecord,
  tf,
  type RunRecord,
} from '@flowbook/sdk';
import { describeSurroundings } from '../../../../sdk/src/training/run/run-record';
import { openRun } from '../../../../sdk/src/training/run/run-folder';
import { readEvents } from '../../io/read-events';
import { SMALL_RUNS, inFolder, loadSmall, trainedWeights } from './small-runs';
import { keepEnvironment } from '../../../setup/keep-environment';

const { FlowGRPO } = SMALL_RUNS;
const EVALUATION = {
  prompts: [
    { prompt: 'a red fox', kind: 'animal' },
    { prompt: 'a blue house', kind: 'building' },
    { prompt: 'two cats', kind: 'animal' },
  ],
  picturesPerPrompt: 2,
  everySteps: 1,
  picturesKept: 2,
  beforeTraining: true,
};

/** Rates evaluations, one after the other, as `values` says, and training as 0.5. */
function scripted(values: number[]) {
  let count = 0;
  return async (images: unknown[]) => images.map(() => values[Math.floor(count++ / 6)]);
}

describe("a run's folder", () => {
  it('holds configuration, log, checkpoints, pictures and events, for every trainer', async function () {
    for (const { algorithm, train } of Object.values(SMALL_RUNS)) {
      await inFolder(async (folder) => {
        const pipeline = await loadSmall(algorithm);
        const evaluation = { ...EVALUATION, reward: 'redness', verdict: 'redness' };
        const { log } = await train(pipeline, { steps: 2, runDirectory: folder, evaluation });
        const weights = trainedWeights(pipeline);
        pipeline.dispose();

        const record = readRunRecord(folder) as RunRecord;
        assert.deepEqual([record.state, record.step, record.steps], ['finished', 2, 2]);
        assert.equal(record.process.pid, process.pid);
        assert.equal(record.versions.node, process.versions.node);
        assert.ok(record.ended !== null && record.ended >= record.started);
        assert.deepEqual(readRunLog(folder).lines, log);
        assert.deepEqual(
          log.map(({ step }) => step),
          [0, 1, 2],
        );
        const metrics = Object.keys(log[0]).filter((name) => name.startsWith('evaluation/'));
        assert.deepEqual(metrics, [
          'evaluation/reward',
          'evaluation/exact',
          'evaluation/exact/animal',
          'evaluation/exact/building',
          'evaluation/diversity',
        ]);

        const pictures = readRunPictures(folder);
        assert.deepEqual(
          pictures.map(({ step, place, prompt }) => [step, place, prompt]),
          [0, 1, 2].flatMap((step) => [
            [step, 0, 'a red fox'],
            [step, 1, 'a blue house'],
          ]),
        );
        const { width, height } = await readImage(join(folder, 'pictures', pictures[5].file));
        assert.deepEqual([width, height], [32, 32]);

        const [name] = readdirSync(folder).filter((one) => one.startsWith('events.'));
        const events = readEvents(readFileSync(join(folder, name)));
        const rewards = events.flatMap(({ step, values }) =>
          values.flatMap(({ tag, scalar }) =>
            tag === 'evaluation/reward' ? [[step, scalar]] : [],
          ),
        );
        assert.deepEqual(
          rewards,
          log.map((line) => [line.step, Math.fround(line['evaluation/reward'])]),
        );
        const shown = events.flatMap(({ values }) => values.flatMap(({ image }) => image ?? []));
        assert.deepEqual(shown[5].png, readFileSync(join(folder, 'pictures', pictures[5].file)));

        // A checkpoint's weights are a transformer as any other.
        const again = await loadSmall(algorithm);
        const last = join(folder, 'checkpoints/last/transformer');
        const Transformer = again.transformer.constructor as unknown as {
          fromPretrained(folder: string): typeof again.transformer;
        };
        const saved = Transformer.fromPretrained(last);
        for (const [weight, values] of Object.entries(weights)) {
          assert.deepEqual(Array.from(saved.parameters.get(weight)?.dataSync() ?? []), values);
        }
        saved.dispose();
        again.dispose();
      });
    }
  });

  it('keeps the best step apart, and ends a run that does not get better', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('flow_grpo');
      const evaluation = { ...EVALUATION, reward: scripted([0.1, 0.5, 0.4, 0.4, 0.9]) };
      const { stopped, log } = await FlowGRPO.train(pipeline, {
        steps: 9,
        runDirectory: folder,
        evaluation,
        patience: 2,
      });
      pipeline.dispose();
      assert.deepEqual([stopped, log.length], ['stopped-early', 4]);
      assert.equal(readRunRecord(folder)?.state, 'stopped-early');
      const stepOf = (name: string) =>
        JSON.parse(readFileSync(join(folder, 'checkpoints', name, 'state.json'), 'utf8')).step;
      assert.deepEqual([stepOf('best'), stepOf('last')], [1, 3]);
    }));

  it('keeps the best step apart also of a trainer that is asked for more steps, and makes no checkpoint of step 0', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('flow_grpo');
      const best = join(folder, 'checkpoints/best');
      const trainer = new FlowGRPOTrainer(pipeline, {
        prompts: ['a red fox'],
        reward: 'redness',
        groupSize: 2,
        compile: false,
        sdeWindowRange: [0, 3],
        evaluation: { ...EVALUATION, reward: scripted([0.8, 0.7, 0.9, 0.8, 0.85, 0.3]) },
      });
      const run = (options: object) => runFlowGRPO(trainer, { runDirectory: folder, ...options });
      await run({ steps: 1 });
      assert.equal(existsSync(best), false, 'the step before training was the best');
      await run({ steps: 2 });
      const step = () => JSON.parse(readFileSync(join(best, 'state.json'), 'utf8')).step;
      assert.equal(step(), 2);
      const { stopped, log } = await run({ steps: 5, patience: 3 });
      assert.equal(stopped, 'stopped-early');
      assert.equal(step(), 2);
      assert.deepEqual(
        log.map((line) => line.step),
        [0, 1, 2, 3, 4, 5],
      );
      assert.deepEqual(readRunLog(folder).lines, log);
      // What others wrote before and after it says nothing of this one.
      const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8');
      writeFileSync(
        join(folder, 'log.jsonl'),
        `{"step":5,"seconds":1}\n${lines}{"step":1,"seconds":1}\n`,
      );
      assert.deepEqual((await run({ steps: 0 })).log, log);
      assert.equal((await run({ steps: 0, runDirectory: `${folder}/other` })).log.length, 0);
      trainer.dispose();
      pipeline.dispose();
    }));

  it('says of a run that failed what it failed by, and goes on from its last checkpoint', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('flow_grpo');
      const onStep = ({ step }: { step: number }) => {
        if (step === 2) throw new Error('no more');
      };
      await assert.rejects(FlowGRPO.train(pipeline, { runDirectory: folder, onStep }), {
        message: 'no more',
      });
      const { state, error, step } = readRunRecord(folder) as RunRecord;
      assert.deepEqual([state, error, step], ['failed', 'no more', 2]);
      appendFileSync(join(folder, 'log.jsonl'), '{"step":3,"rew');
      assert.equal(readRunLog(folder).lines.length, 2);
      // In the same process, with the weights and the reference as they are: all comes from the checkpoint.
      const { stopped, log } = await FlowGRPO.train(pipeline, { resume: folder });
      assert.deepEqual([stopped, log.map((line) => line.step)], ['finished', [1, 2, 3, 4]]);
      pipeline.dispose();
    }));

  it('leaves as many tensors as there were, with and without checkpoints', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('diffusion_nft');
      const { train } = SMALL_RUNS.DiffusionNFT;
      await train(pipeline, { steps: 1, runDirectory: join(folder, 'first') });
      const before = tf.memory().numTensors;
      await train(pipeline, { steps: 1, ema: 0.5, runDirectory: join(folder, 'a') });
      await train(pipeline, { steps: 2, ema: 0.5, runDirectory: join(folder, 'a'), resume: true });
      assert.equal(tf.memory().numTensors, before);
      pipeline.dispose();
    }));

  it('refuses to resume a run of another seed or another trainer, and where there is none', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('flow_grpo');
      const runDirectory = join(folder, 'run');
      await assert.rejects(FlowGRPO.train(pipeline, { runDirectory, resume: true }), {
        message: `Cannot resume as there must be a checkpoint: "${runDirectory}" has none`,
      });
      mkdirSync(runDirectory, { recursive: true });
      writeFileSync(join(runDirectory, 'log.jsonl'), '{"step":1,"seconds":1}\n{"st');
      await FlowGRPO.train(pipeline, { runDirectory, steps: 1, resume: 'auto' });
      assert.equal(readRunLog(runDirectory).lines.length, 1, 'it has begun anew');
      const last = join(runDirectory, 'checkpoints/last');
      await assert.rejects(FlowGRPO.train(pipeline, { resume: last, seed: 3 }), {
        message: `Cannot resume from "${last}" as its seed must be this run's, 3: current value is 0`,
      });
      pipeline.dispose();
      const other = await loadSmall('dpo');
      await assert.rejects(
        SMALL_RUNS['online Diffusion-DPO'].train(other, { resume: runDirectory }),
        {
          message: `Cannot resume from "${last}" as its trainer must be this run's, OnlineDPOTrainer: current value is FlowGRPOTrainer`,
        },
      );
      other.dispose();
    }));

  it('refuses counts below 1, and patience without anything that says when to stop', async () => {
    const pipeline = await loadSmall('flow_grpo');
    await assert.rejects(FlowGRPO.train(pipeline, { checkpointEverySteps: 0 }), {
      message:
        'Cannot train as checkpointEverySteps must be a whole number from 1, or null: current value is 0',
    });
    await assert.rejects(FlowGRPO.train(pipeline, { patience: 2 }), {
      message:
        'Cannot stop early as there must be evaluations or another bestMetric: evaluation is null',
    });
    pipeline.dispose();
  });

  it('gives whoever watches the pictures of a resumed run from its beginning', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('flow_grpo');
      const options = { runDirectory: folder, evaluation: EVALUATION };
      const seen: (number | string)[][] = [];
      await FlowGRPO.train(pipeline, { ...options, steps: 1 });
      await FlowGRPO.train(pipeline, {
        ...options,
        steps: 2,
        resume: true,
        onStep: (_report, { pictures, log, steps }) => {
          seen.push([log.length, steps], ...pictures.map(({ step, prompt }) => [step, prompt]));
        },
      });
      assert.deepEqual(seen, [
        [3, 2],
        ...[0, 1, 2].flatMap((step) => [
          [step, 'a red fox'],
          [step, 'a blue house'],
        ]),
      ]);
      pipeline.dispose();
    }));

  it('stays where it was when its program goes to another folder while it trains', () =>
    inFolder(async (parent) => {
      const before = process.cwd();
      const restore = keepEnvironment('FLOWBOOK_RUN_DIR');
      delete process.env.FLOWBOOK_RUN_DIR;
      const pipeline = await loadSmall('flow_grpo');
      const elsewhere = join(parent, 'elsewhere');
      mkdirSync(elsewhere);
      try {
        for (const where of [{ runDirectory: 'run' }, { runName: 'named' }]) {
          process.chdir(parent);
          const { folder, logPath } = await FlowGRPO.train(pipeline, {
            ...where,
            steps: 2,
            evaluation: EVALUATION,
            onStep: () => process.chdir(elsewhere),
          });
          assert.ok(folder !== null && isAbsolute(folder) && existsSync(logPath as string));
          assert.equal(readRunRecord(folder)?.state, 'finished');
          assert.equal(readRunLog(folder).lines.at(-1)?.step, 2);
          assert.ok(existsSync(join(folder, 'checkpoints/last/manifest.json')));
          assert.ok(!existsSync(join(folder, 'lock.json')));
        }
        assert.deepEqual(readdirSync(elsewhere), []);
      } finally {
        process.chdir(before);
        restore();
        pipeline.dispose();
      }
    }));

  it('openRun() makes a folder a run, by time and name, and finds the newest one again', () =>
    inFolder(async (parent) => {
      const restore = keepEnvironment('FLOWBOOK_RUN_DIR');
      process.env.FLOWBOOK_RUN_DIR = parent;
      try {
        const at = (second: number) => new Date(2026, 10, 23, 9, 5, second);
        const first = openRun({ runName: 'shapes' }, at(7));
        assert.deepEqual(first, {
          folder: join(parent, '20261123-090507-shapes'),
          checkpoint: null,
        });
        const second = openRun({ runName: 'shapes' }, at(7));
        assert.equal(second.folder, join(parent, '20261123-090507-shapes~2'));
        openRun({ runName: 'shapes-2' }, at(9));
        const last = join(first.folder as string, 'checkpoints/last');
        mkdirSync(last, { recursive: true });
        writeFileSync(join(last, 'manifest.json'), '{}');
        const found = { folder: first.folder, checkpoint: last };
        assert.deepEqual(openRun({ runName: 'shapes', resume: true }), found);
        assert.deepEqual(openRun({ runName: 'shapes', resume: 'auto' }), found);
        assert.throws(() => openRun({ runName: 'others', resume: true }), {
          message: `Cannot resume as there must be a checkpoint: "${join(parent, '*-others')}" has none`,
        });
        assert.throws(() => openRun({ runName: 'a/b' }), {
          message:
            'Cannot make a run\'s folder as its name must consist of letters, digits, "_", "-" and ".": current value is "a/b"',
        });
        // The clock was put back by an hour, and eleven runs begin at the same second after that.
        const later = Array.from(
          { length: 11 },
          () => openRun({ runName: 'shapes' }, new Date(2026, 10, 23, 8, 5, 7)).folder as string,
        );
        assert.equal(later[10], join(parent, '20261123-090507-shapes~13'));
        for (const folder of [later[6], later[7]]) {
          mkdirSync(join(folder, 'checkpoints/last'), { recursive: true });
          writeFileSync(join(folder, 'checkpoints/last/manifest.json'), '{}');
        }
        // ~9 and ~10.
        assert.equal(openRun({ runName: 'shapes', resume: true }).folder, later[7]);
        // A run that ended between its two renamings has the checkpoint before under another name.
        renameSync(last, `${last}.previous`);
        assert.deepEqual(openRun({ resume: first.folder as string }), {
          folder: first.folder,
          checkpoint: `${last}.previous`,
        });
        assert.equal(openRun({}).folder, parent);
        delete process.env.FLOWBOOK_RUN_DIR;
        assert.deepEqual(openRun({}), { folder: null, checkpoint: null });
      } finally {
        restore();
      }
    }));

  it('isRunning() sees a run whose process is gone', () => {
    const record = (pid: number, state = 'running') =>
      ({ state, process: { pid, host: hostname() } }) as unknown as RunRecord;
    assert.equal(isRunning(record(process.pid)), true);
    assert.equal(isRunning(record(2 ** 22 + 1)), false);
    assert.equal(isRunning(record(process.pid, 'finished')), false);
    const { process: own } = describeSurroundings();
    for (const [by, goesOn] of [
      [own, true],
      [{ ...own, began: '1' }, own.began === null],
      [{ ...own, place: 'an earlier start' }, own.place === null],
      [{ ...own, place: 'another machine', host: 'elsewhere' }, true],
    ] as const) {
      assert.equal(isRunning({ state: 'running', process: by }), goesOn);
    }
  });
});

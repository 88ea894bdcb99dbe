import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readRunLog, readRunPictures } from '@flowbook/sdk';
import { textOnStderr } from '../../io/hub/text-on-stderr';
import { SMALL_RUNS, inFolder, loadSmall } from './small-runs';
import { keepEnvironment } from '../../../setup/keep-environment';

const { FlowGRPO } = SMALL_RUNS;

describe('resume, into another folder than that of its run', () => {
  it('goes on from a checkpoint that was copied elsewhere, into which it writes nothing', () =>
    inFolder(async (parent) => {
      const restore = keepEnvironment('FLOWBOOK_RUN_DIR');
      delete process.env.FLOWBOOK_RUN_DIR;
      try {
        const pipeline = await loadSmall('flow_grpo');
        const [copy, usual] = [join(parent, 'copy'), join(parent, 'usual')];
        const runDirectory = join(parent, 'run');
        await FlowGRPO.train(pipeline, { steps: 2, runDirectory });
        cpSync(join(runDirectory, 'checkpoints/last'), copy, { recursive: true });
        const files = readdirSync(copy);
        const resume = async (given: object) => {
          let found: Awaited<ReturnType<typeof FlowGRPO.train>> | null = null;
          const said = await textOnStderr(async () => {
            found = await FlowGRPO.train(pipeline, { steps: 3, resume: copy, ...given });
          });
          const { folder, log } = found!;
          assert.deepEqual(
            log.map(({ step }) => step),
            [3],
          );
          assert.match(
            said,
            new RegExp(`Goes on without lines of steps 1 to 2: "${copy}" lies outside of a run's`),
          );
          assert.deepEqual(readdirSync(copy), files);
          return folder;
        };
        assert.equal(await resume({}), null);
        assert.equal(await resume({ runDirectory: `${usual}-2` }), `${usual}-2`);
        // What another training left in the folder stays: its lines, and its pictures of later steps.
        mkdirSync(join(usual, 'pictures'), { recursive: true });
        const line = '{"step":9,"seconds":1}\n';
        writeFileSync(join(usual, 'log.jsonl'), line);
        const index = join(usual, 'pictures/index.jsonl');
        const picture =
          '{"step":9,"place":0,"prompt":"","reward":1,"verdict":null,"file":"step-000009-00.png"}\n';
        writeFileSync(index, picture);
        process.env.FLOWBOOK_RUN_DIR = usual;
        assert.equal(await resume({}), usual);
        assert.equal(readFileSync(index, 'utf8'), picture);
        assert.ok(readFileSync(join(usual, 'log.jsonl'), 'utf8').startsWith(line));
        assert.deepEqual(
          readRunLog(usual).lines.map(({ step }) => step),
          [9, 3],
        );
        pipeline.dispose();
      } finally {
        restore();
      }
    }));

  it('goes on in a folder of its own, or one that holds nothing but what it begins with', () =>
    inFolder(async (parent) => {
      const pipeline = await loadSmall('flow_grpo');
      const [from, other, fresh] = ['from', 'other', 'fresh'].map((name) => join(parent, name));
      const evaluation = { prompts: ['a red fox'], reward: 'redness', everySteps: 1 };
      await FlowGRPO.train(pipeline, { steps: 2, runDirectory: from });
      await FlowGRPO.train(pipeline, { steps: 3, runDirectory: other, evaluation });
      const files = () =>
        readdirSync(other, { recursive: true, encoding: 'utf8' })
          .map((name) => join(other, name))
          .filter((path) => statSync(path).isFile())
          .map((path) => [path, readFileSync(path, 'base64')]);
      const before = files();
      const resume = (runDirectory: string) =>
        FlowGRPO.train(pipeline, { steps: 3, resume: from, runDirectory });
      const last = join(from, 'checkpoints/last');
      await assert.rejects(resume(other), {
        message: `Cannot resume from "${last}" into "${other}" as that folder must hold no other training: it has log.jsonl, pictures, checkpoints; name another runDirectory, or set resume to true to go on with what is there`,
      });
      assert.deepEqual(files(), before);
      const { log } = await resume(fresh);
      assert.deepEqual(
        log.map(({ step }) => step),
        [1, 2, 3],
      );
      // An attempt that ended before its first step has left the lines that it began with.
      cpSync(join(from, 'log.jsonl'), join(parent, 'begun/log.jsonl'));
      assert.equal((await resume(join(parent, 'begun'))).log.length, 3);
      // The run's own folder by another name.
      symlinkSync(from, join(parent, 'link'));
      assert.equal((await resume(join(parent, 'link'))).log.length, 3);
      pipeline.dispose();
    }));

  it('may be tried again where it was stopped, failed or was killed before its first step', () =>
    inFolder(async (parent) => {
      const pipeline = await loadSmall('flow_grpo');
      const [from, into, killed] = ['from', 'into', 'killed'].map((name) => join(parent, name));
      let isBroken = true;
      const evaluation = {
        prompts: ['a red fox'],
        everySteps: 1,
        numInferenceSteps: 2,
        reward: async (pictures: readonly unknown[]) => {
          if (isBroken) throw new Error('the server is gone');
          return pictures.map(() => 0.5);
        },
      };
      const checkpoints = (folder: string) => readdirSync(join(folder, 'checkpoints'));
      const whole = { evaluation: { ...evaluation, reward: 'redness' }, checkpointEverySteps: 1 };
      await FlowGRPO.train(pipeline, { ...whole, steps: 1, runDirectory: from });
      const goOn = { steps: 2, runDirectory: from, resume: true };
      // Its second step is to be evaluated yet.
      await assert.rejects(FlowGRPO.train(pipeline, { ...goOn, evaluation }), /server is gone/);
      assert.equal(readRunLog(from).lines.length, 2);
      isBroken = false;
      const resume = (given: object) =>
        FlowGRPO.train(pipeline, {
          evaluation,
          steps: 3,
          resume: from,
          runDirectory: into,
          ...given,
        });
      for (const how of ['aborted', 'failed', 'failed again']) {
        const controller = new AbortController();
        const { signal } = controller;
        const reward = async (): Promise<number[]> => {
          if (how === 'failed') cpSync(into, killed, { recursive: true });
          if (how === 'aborted') controller.abort(new Error('stopped'));
          throw new Error('no step is made');
        };
        const ended = resume({ reward, signal, onNotFinite: 'stop' });
        if (how === 'aborted') assert.equal((await ended).stopped, 'aborted');
        else await assert.rejects(ended, /no step is made/);
        assert.equal(readRunLog(into).lines.at(-1)?.['evaluation/reward'], 0.5);
        assert.deepEqual(
          readRunPictures(into).map(({ step }) => step),
          [2],
        );
        // The same step once, however often it was tried.
        assert.deepEqual(checkpoints(into).sort(), ['best', 'last']);
      }
      rmSync(join(killed, 'lock.json'));
      rmSync(join(killed, 'checkpoints/last'), { recursive: true });
      for (const runDirectory of [into, killed]) {
        const { log } = await resume({ runDirectory });
        assert.deepEqual(
          log.map(({ step }) => step),
          [1, 2, 3],
        );
        // What it holds now is more than what it began with.
        await assert.rejects(
          resume({ runDirectory }),
          /must hold no other training: it has log\.jsonl, pictures, checkpoints;/,
        );
      }
      pipeline.dispose();
    }));
});

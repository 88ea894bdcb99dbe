import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readRunLog } from '@flowbook/sdk';
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
});

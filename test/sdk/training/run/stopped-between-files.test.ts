import assert from 'node:assert/strict';
import fs, { cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readRunLog, readRunPictures, readRunRecord } from '@flowbook/sdk';
import { textOnStderr } from '../../io/hub/text-on-stderr';
import { inFolder, ratedBy, runSmall, stepIn, withoutTimes, type SmallOptions } from './small-runs';

async function run(options: SmallOptions) {
  let ran: Awaited<ReturnType<typeof runSmall>>;
  await textOnStderr(async () => {
    ran = await runSmall(options);
  });
  const { log, weights } = ran!;
  return { log, weights };
}

const namesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).sort() : [];

describe('a run that was stopped between two files', function () {
  this.timeout(120_000);

  it('goes on from a best checkpoint that a better one was about to replace, and keeps it', () =>
    inFolder(async (parent) => {
      const rated = () => ({ checkpointEverySteps: 9, evaluation: ratedBy([0.1, 0.9]) });
      const whole = await run({ ...rated(), runDirectory: join(parent, 'whole') });
      const runDirectory = join(parent, 'run');
      await run({ ...rated(), steps: 3, runDirectory });
      const [best, last] = ['best', 'last'].map((name) => join(runDirectory, 'checkpoints', name));
      renameSync(best, `${best}.previous`);
      const both = join(parent, 'both');
      cpSync(runDirectory, both, { recursive: true });

      rmSync(last, { recursive: true });
      const rest = { ...rated(), evaluation: ratedBy([]) };
      assert.deepEqual(await run({ ...rest, runDirectory, resume: true }), whole);
      assert.deepEqual(readRunRecord(runDirectory)?.resumedAfter, [2]);

      assert.deepEqual(await run({ ...rest, runDirectory: both, resume: true }), whole);
      assert.deepEqual(readRunRecord(both)?.resumedAfter, [3]);
      for (const folder of [runDirectory, both]) {
        assert.equal(stepIn(join(folder, 'checkpoints/best')), 2);
        assert.equal(existsSync(join(folder, 'checkpoints/best.previous')), false);
      }
    }));

  it('keeps what it has gone back behind until it has a checkpoint of a step that it did since', () =>
    inFolder(async (runDirectory) => {
      const options = { runDirectory, checkpointEverySteps: 1, checkpointsKept: 4 };
      await run({ ...options, evaluation: ratedBy([0.1, 0.9, 0.2, 0.95]) });
      const [checkpoints, aside] = ['checkpoints', 'checkpoints/abandoned'].map((name) =>
        join(runDirectory, name),
      );
      const back = (place: string, given: SmallOptions) =>
        run({
          ...options,
          evaluation: ratedBy([]),
          resume: join(checkpoints, place),
          ...given,
        });
      // Stopped before its first step: it has made copies of the last checkpoint and the best one alone.
      await back('last.previous', { signal: AbortSignal.abort() });
      assert.deepEqual(
        ['last', 'best'].map((name) => stepIn(join(checkpoints, name))),
        [3, 2],
      );
      assert.deepEqual(namesIn(aside), ['best', 'last']);
      await back('best', { signal: AbortSignal.abort() });
      assert.deepEqual(
        namesIn(aside).map((name) => stepIn(join(aside, name))),
        [4, 4, 3, 3],
      );
      await back('best', { steps: 3 });
      assert.deepEqual(namesIn(aside), []);
    }));

  it('has the pictures of an evaluation that it had to make again, whenever it was killed meanwhile', () =>
    inFolder(async (parent) => {
      const evaluation = ratedBy([]);
      const whole = join(parent, 'whole');
      await run({ steps: 3, runDirectory: whole, evaluation });
      const runDirectory = join(parent, 'run');
      let rated = 0;
      const reward = async () => {
        if (++rated === 2) throw new Error('the server is gone');
        return [0];
      };
      await assert.rejects(
        run({ steps: 3, runDirectory, evaluation: { ...evaluation, reward } }),
        /server is gone/,
      );
      // What a kill would have left after each rename.
      const left: string[] = [];
      const rename = fs.renameSync;
      fs.renameSync = (from, to) => {
        rename(from, to);
        const copy = join(parent, `killed-${left.length}`);
        if (!/^(log\.jsonl|step-000002-00\.png)$/.test(basename(String(to)))) return;
        cpSync(runDirectory, copy, { recursive: true });
        rmSync(join(copy, 'lock.json'));
        left.push(copy);
      };
      try {
        await run({ steps: 3, runDirectory, evaluation, resume: true });
      } finally {
        fs.renameSync = rename;
      }
      // The log was begun with, the picture kept, the line completed.
      assert.equal(left.length, 3);
      for (const folder of [runDirectory, ...left]) {
        const shown: number[][] = [];
        await run({
          steps: 3,
          runDirectory: folder,
          evaluation,
          resume: true,
          onStep: (_, { pictures }) => void shown.push(pictures.map(({ step }) => step)),
        });
        if (folder !== runDirectory) assert.deepEqual(shown, [[1, 2, 3]]);
        assert.deepEqual(readRunPictures(folder), readRunPictures(whole));
        assert.deepEqual(
          withoutTimes(readRunLog(folder).lines),
          withoutTimes(readRunLog(whole).lines),
        );
      }
    }));
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkpointIn, readRunLog, readRunPictures, readRunRecord, tf } from '@flowbook/sdk';
import { whatIsBroken } from '../../sdk/src/training/run/checkpoint-manifest';
import { placeOf, rotateCheckpoints } from '../../sdk/src/training/run/checkpoint-places';
import { chooseCheckpoint } from '../../sdk/src/training/run/choose-checkpoint';
import { textOnStderr } from '../sdk/io/hub/text-on-stderr';
import { inFolder, ratedBy, runSmall, stepIn, withoutTimes } from '../sdk/training/run/small-runs';
import { CHECKPOINT_STATE } from './checkpoint-state';
import { withFaultyDisk } from './faulty-disk';

/** Leaves the first lines of a run's log. */
function cutLog(runDirectory: string, lines: number): void {
  const path = join(runDirectory, 'log.jsonl');
  const rows = readFileSync(path, 'utf8').split('\n').slice(0, lines);
  writeFileSync(path, rows.map((row) => `${row}\n`).join(''));
}

describe('checkpoints', function () {
  this.timeout(240_000);

  it('hold a manifest that every change of a byte, a length or a name is seen by', () =>
    inFolder(async (folder) => {
      await runSmall({ steps: 1, runDirectory: folder, ema: 0.9 });
      const last = join(folder, 'checkpoints/last');
      assert.equal(whatIsBroken(last), null);
      const weights = join(last, 'optimizer.safetensors');
      const bytes = readFileSync(weights);
      bytes[bytes.length - 1] ^= 1;
      writeFileSync(weights, bytes);
      assert.equal(whatIsBroken(last), 'optimizer.safetensors has other bytes than were written');
      truncateSync(weights, 10);
      assert.equal(
        whatIsBroken(last),
        `optimizer.safetensors has 10 bytes, and had ${bytes.length}`,
      );
      rmSync(weights);
      assert.equal(whatIsBroken(last), 'optimizer.safetensors is missing');
      writeFileSync(join(last, 'other.bin'), '');
      assert.equal(whatIsBroken(last), 'other.bin is not in manifest.json');
      writeFileSync(join(last, 'manifest.json'), '{"fi');
      assert.match(whatIsBroken(last) ?? '', /^manifest\.json cannot be read/);
      rmSync(join(last, 'manifest.json'));
      assert.equal(whatIsBroken(last), 'manifest.json is missing');
    }));

  it('that are broken are named and skipped for the one before, and the run ends with the same bits', () =>
    inFolder(async (parent) => {
      const options = { checkpointEverySteps: 1, ema: 0.9 };
      const whole = await runSmall({ ...options, runDirectory: join(parent, 'whole') });
      const runDirectory = join(parent, 'broken');
      await runSmall({ ...options, steps: 3, runDirectory });
      const last = join(runDirectory, 'checkpoints/last');
      const previous = `${last}.previous`;
      assert.deepEqual([stepIn(last), stepIn(previous)], [3, 2]);
      truncateSync(join(last, 'state.json'), 5);
      const said = await textOnStderr(() =>
        runSmall({ ...options, steps: 3, runDirectory, resume: true }),
      );
      assert.match(
        said,
        /^Skips a broken checkpoint and takes the one before: ".*checkpoints\/last": state\.json has 5 bytes, and had \d+\n/m,
      );
      // The broken one made room, and the one that the run went on from stays.
      assert.deepEqual([whatIsBroken(last), whatIsBroken(previous)], [null, null]);
      assert.deepEqual([stepIn(last), stepIn(previous)], [3, 2]);
      assert.deepEqual(await runSmall({ ...options, runDirectory, resume: true }), whole);
    }));

  it('are passed over for one that the log reaches, and the run ends with the same bits and lines', () =>
    inFolder(async (parent) => {
      const options = { checkpointEverySteps: 1, ema: 0.9 };
      const whole = await runSmall({ ...options, runDirectory: join(parent, 'whole') });
      const runDirectory = join(parent, 'cut');
      await runSmall({ ...options, steps: 3, runDirectory });
      cutLog(runDirectory, 2);
      let resumed: unknown;
      const said = await textOnStderr(async () => {
        resumed = await runSmall({ ...options, runDirectory, resume: true });
      });
      const place = join(runDirectory, 'checkpoints/last.previous');
      assert.ok(
        said.includes(
          `Goes on from "${place}" and does step 3 again: "${join(runDirectory, 'log.jsonl')}" ends with step 2\n`,
        ),
        said,
      );
      assert.deepEqual(resumed, whole);
    }));

  it('that the log reaches none of are gone on from, and the lines that stay missing are named', () =>
    inFolder(async (runDirectory) => {
      await runSmall({ checkpointEverySteps: 1, steps: 3, runDirectory });
      cutLog(runDirectory, 1);
      const said = await textOnStderr(() => runSmall({ runDirectory, resume: true }));
      assert.ok(
        said.includes(
          `Goes on without lines of steps 2 to 3: "${join(runDirectory, 'log.jsonl')}" ends with step 1\n`,
        ),
        said,
      );
      assert.deepEqual(
        readRunLog(runDirectory).lines.map(({ step }) => step),
        [1, 4],
      );
    }));

  it('come into their place once the log and the index of pictures are on disk', () =>
    inFolder(async (runDirectory) => {
      const synced: Record<string, boolean> = {};
      const { open } = promises;
      promises.open = async (path, ...rest) => {
        const file = await open(path, ...rest);
        const sync = file.sync.bind(file);
        file.sync = () => {
          synced[basename(String(path))] = existsSync(join(runDirectory, 'checkpoints/last'));
          return sync();
        };
        return file;
      };
      try {
        const evaluation = { prompts: ['a red fox'], everySteps: 1 };
        await runSmall({ steps: 1, runDirectory, evaluation });
      } finally {
        promises.open = open;
      }
      assert.deepEqual([synced['log.jsonl'], synced['index.jsonl']], [false, false]);
    }));

  it('that are the best alone are gone on from where a run ended before its first last one', () =>
    inFolder(async (parent) => {
      const options = { ema: 0.9, evaluation: { prompts: ['a red fox'], everySteps: 2 } };
      const whole = await runSmall({ ...options, runDirectory: join(parent, 'whole') });
      const runDirectory = join(parent, 'best');
      await runSmall({ ...options, steps: 3, runDirectory });
      rmSync(join(runDirectory, 'checkpoints/last'), { recursive: true });
      assert.deepEqual(await runSmall({ ...options, runDirectory, resume: 'auto' }), whole);
      assert.deepEqual(readRunRecord(runDirectory)?.resumedAfter, [2]);
    }));

  it('that a run goes back behind are set aside, and gone on from no more', () =>
    inFolder(async (parent) => {
      const options = { checkpointEverySteps: 2, ema: 0.9 };
      const runDirectory = join(parent, 'run');
      await runSmall({ ...options, runDirectory, evaluation: ratedBy([0.9]) });
      const stepsIn = (folder: string) =>
        Object.fromEntries(
          readdirSync(join(folder, 'checkpoints'))
            .filter((name) => name !== 'abandoned')
            .map((name) => [name, stepIn(join(folder, 'checkpoints', name))]),
        );
      assert.deepEqual(stepsIn(runDirectory), { best: 1, last: 4, 'last.previous': 2 });

      // From the best one on by another reward, and killed at once.
      const other = { ...options, reward: 'jpeg_compressibility', checkpointEverySteps: 9 };
      const [killed, back] = [join(parent, 'killed'), join(parent, 'run/checkpoints/best')];
      let whole: unknown;
      const said = await textOnStderr(async () => {
        whole = await runSmall({
          ...other,
          runDirectory,
          evaluation: ratedBy([]),
          resume: back,
          onStep: ({ step }) =>
            void (step === 3 && cpSync(runDirectory, killed, { recursive: true })),
        });
      });
      assert.match(
        said,
        /^Goes back to step 1: ".*last", ".*last\.previous" lie below checkpoints\/abandoned until the next one is made\n/m,
      );
      assert.deepEqual(stepsIn(runDirectory), { best: 1, last: 4 });
      assert.equal(existsSync(join(runDirectory, 'checkpoints/abandoned')), false);
      rmSync(join(killed, 'lock.json'));
      assert.deepEqual(stepsIn(killed), { best: 1 });
      assert.equal(stepIn(join(killed, 'checkpoints/abandoned/last')), 4);
      const again = { ...other, runDirectory: killed, evaluation: ratedBy([]), resume: true };
      assert.deepEqual(await runSmall(again), whole);
    }));

  it('hold the best of the log that a run begins with, in another folder too', () =>
    inFolder(async (parent) => {
      const [from, into] = [join(parent, 'from'), join(parent, 'into')];
      const evaluation = ratedBy([0.5, 0.9, 0.1, 0.2]);
      const options = { checkpointEverySteps: 1, checkpointsKept: 4, evaluation };
      await runSmall({ ...options, runDirectory: from });
      const best = (folder: string) => join(folder, 'checkpoints/best');
      assert.equal(stepIn(best(from)), 2);
      await runSmall({ ...options, steps: 5, resume: from, runDirectory: into });
      assert.deepEqual([stepIn(best(into)), whatIsBroken(best(into))], [2, null]);
      // The best step lies ahead of the one that it goes back to, which was the best until then.
      const first = join(from, 'checkpoints/last.previous-3');
      assert.equal(stepIn(first), 1);
      await runSmall({ ...options, evaluation: ratedBy([]), steps: 2, resume: first });
      assert.deepEqual([stepIn(best(from)), whatIsBroken(best(from))], [1, null]);
    }));

  it('checkpointIn() takes the best one where it is newer than the last, and chooseCheckpoint() where those are broken', () =>
    inFolder(async (folder) => {
      const put = (name: string, step: number) => {
        const place = join(folder, 'checkpoints', name);
        mkdirSync(place, { recursive: true });
        const text = JSON.stringify({ ...CHECKPOINT_STATE, step });
        writeFileSync(join(place, 'state.json'), text);
        const sha256 = createHash('sha256').update(text).digest('hex');
        const files = { 'state.json': { bytes: text.length, sha256 } };
        writeFileSync(join(place, 'manifest.json'), JSON.stringify({ files }));
        return place;
      };
      const [last, previous, best] = [put('last', 6), put('last.previous', 4), put('best', 5)];
      writeFileSync(join(folder, 'log.jsonl'), '{"step":6,"seconds":1}\n');
      assert.equal(checkpointIn(folder), last);
      writeFileSync(join(last, 'state.json'), '{');
      const said = await textOnStderr(async () => {
        assert.equal(chooseCheckpoint(last).place, best);
      });
      assert.match(said, /^Skips a broken checkpoint and takes the one before: /);
      put('last', 3);
      assert.equal(checkpointIn(folder), best);
      assert.equal(chooseCheckpoint(previous).place, previous);
    }));

  it('are kept when memory runs out in the middle of a run, which then goes on with the same bits', () =>
    inFolder(async (parent) => {
      let rated = 0;
      let asksForAll = false;
      // 2^48 bytes: no system gives them.
      const demanding = async (pictures: readonly unknown[]) => {
        rated += 1;
        if (asksForAll && rated === 3)
          tf.tidy(() => tf.matMul(tf.ones([2 ** 23, 1]), tf.ones([1, 2 ** 23])));
        return pictures.map(() => 0.5);
      };
      const options = {
        steps: 3,
        checkpointEverySteps: 1,
        evaluation: {
          prompts: ['a red fox'],
          reward: demanding,
          everySteps: 1,
          numInferenceSteps: 2,
        },
      };
      const whole = await runSmall({ ...options, runDirectory: join(parent, 'whole') });
      const runDirectory = join(parent, 'short');
      [rated, asksForAll] = [0, true];
      await assert.rejects(runSmall({ ...options, runDirectory }), /OOM|Invalid typed/);
      const last = join(runDirectory, 'checkpoints/last');
      assert.equal(whatIsBroken(last), null);
      assert.ok(stepIn(last) >= 2, `it is of step ${stepIn(last)}`);
      asksForAll = false;
      assert.deepEqual(await runSmall({ ...options, runDirectory, resume: true }), whole);
    }));

  it('chooseCheckpoint() throws when none is whole, with what is wrong with each', () =>
    inFolder(async (folder) => {
      const last = join(folder, 'checkpoints/last');
      for (const place of [last, `${last}.previous`]) mkdirSync(place, { recursive: true });
      assert.throws(() => chooseCheckpoint(last), {
        message: `Cannot resume as a checkpoint must be whole: "${last}": manifest.json is missing; "${last}.previous": manifest.json is missing; remove them to begin anew`,
      });
    }));

  it('rotateCheckpoints() keeps as many as it is told, and closes a gap that a crash left', () =>
    inFolder(async (folder) => {
      const last = join(folder, 'checkpoints/last');
      const put = (step: number, kept: number) => {
        const partial = `${last}.${step}.partial`;
        mkdirSync(partial, { recursive: true });
        writeFileSync(join(partial, 'state.json'), JSON.stringify({ step }));
        rotateCheckpoints(last, partial, kept);
      };
      for (const step of [1, 2, 3, 4]) put(step, 3);
      const steps = () =>
        [0, 1, 2, 3].map((age) =>
          existsSync(placeOf(last, age)) ? stepIn(placeOf(last, age)) : 0,
        );
      assert.deepEqual(steps(), [4, 3, 2, 0]);
      rmSync(last, { recursive: true });
      put(5, 3);
      assert.deepEqual(steps(), [5, 3, 2, 0]);
      put(6, 1);
      assert.deepEqual(steps(), [6, 0, 0, 0]);
    }));

  for (const [code, rule] of [
    ['ENOSPC', 'the disk must have room'],
    ['EDQUOT', 'the quota must have room'],
    ['EROFS', 'its folder must not be on a read-only disk'],
    ['EACCES', 'its folder must be writable'],
  ]) {
    it(`cannot be written (${code}): the error says why, and the last good one stays`, () =>
      inFolder(async (runDirectory) => {
        const options = { runDirectory, checkpointEverySteps: 1 };
        await runSmall({ ...options, steps: 2 });
        const last = join(runDirectory, 'checkpoints/last');
        await textOnStderr(() =>
          withFaultyDisk(
            code,
            (name) => name === 'optimizer.safetensors',
            () =>
              assert.rejects(runSmall({ ...options, resume: true }), {
                message: `Cannot write checkpoint "${last}" as ${rule}: ${code}: refused, write`,
              }),
          ),
        );
        assert.deepEqual([whatIsBroken(last), stepIn(last)], [null, 2]);
        const names = readdirSync(join(runDirectory, 'checkpoints'));
        assert.deepEqual(names.sort(), ['last', 'last.previous']);
        const { state, error } = readRunRecord(runDirectory) ?? {};
        assert.equal(state, 'failed');
        assert.match(error ?? '', new RegExp(rule));
        assert.ok(!existsSync(join(runDirectory, 'lock.json')));
        const { stopped } = await runSmall({ ...options, resume: true });
        assert.equal(stopped, 'finished');
      }));
  }

  it('and the log and the pictures lose only what a crash cut off', () =>
    inFolder(async (parent) => {
      const evaluation = { prompts: ['a red fox'], everySteps: 1, beforeTraining: true };
      const options = { checkpointEverySteps: 1, evaluation };
      const whole = join(parent, 'whole');
      await runSmall({ ...options, runDirectory: whole });
      const torn = join(parent, 'torn');
      await runSmall({ ...options, steps: 2, runDirectory: torn });
      appendFileSync(join(torn, 'log.jsonl'), '{"step":3,"rew');
      appendFileSync(join(torn, 'pictures/index.jsonl'), '{"step":3,"pl');
      mkdirSync(join(torn, 'checkpoints/last.1234abcd.partial'));
      for (const name of ['run.json', 'pictures/index.jsonl'])
        writeFileSync(join(torn, `${name}.1234abcd.partial`), '{"st');
      assert.equal(readRunLog(torn).lines.length, 3);
      assert.equal(readRunPictures(torn).length, 3);
      await runSmall({ ...options, runDirectory: torn, resume: true });
      const { lines } = readRunLog(torn);
      assert.deepEqual(withoutTimes(lines), withoutTimes(readRunLog(whole).lines));
      for (const name of readdirSync(join(whole, 'pictures'))) {
        const [one, other] = [whole, torn].map((at) => readFileSync(join(at, 'pictures', name)));
        assert.deepEqual(other, one, name);
      }
      const names = readdirSync(torn, { recursive: true, encoding: 'utf8' });
      assert.deepEqual(
        names.filter((name) => name.endsWith('.partial')),
        [],
      );
    }));
});

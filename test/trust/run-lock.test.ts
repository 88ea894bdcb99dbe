import assert from 'node:assert/strict';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isAlive, ownProcess } from '../../sdk/src/core/process-identity';
import { RunLock } from '../../sdk/src/training/run/run-lock';
import { SMALL_RUNS, inFolder, loadSmall } from '../sdk/training/run/small-runs';

const QUICK = { beatMs: 20, watchMs: 400 };
const ELSEWHERE = { pid: 7, host: 'elsewhere', place: 'another machine', began: '1' };

function writeLock(folder: string, record: object): string {
  const path = join(folder, 'lock.json');
  writeFileSync(path, JSON.stringify({ token: 'abc', since: '2026-01-01T00:00:00Z', ...record }));
  return path;
}

describe('RunLock', () => {
  it('refuses a second trainer by the name of the first, until that is done', () =>
    inFolder(async (folder) => {
      const lock = await RunLock.take(folder);
      const { since } = JSON.parse(readFileSync(join(folder, 'lock.json'), 'utf8'));
      await assert.rejects(RunLock.take(folder), {
        message: `Cannot train in "${folder}" as one trainer at a time must write there: process ${process.pid} on ${hostname()} (since ${since}) does; stop it, or choose another folder`,
      });
      lock.release();
      assert.ok(!existsSync(join(folder, 'lock.json')));
      (await RunLock.take(folder)).release();
    }));

  it('takes over from a process that is gone, and from one whose number another process has now', () =>
    inFolder(async (folder) => {
      const own = ownProcess();
      for (const gone of [
        { ...own, pid: 2 ** 22 + 1 },
        { ...own, began: '0' },
      ]) {
        writeLock(folder, gone);
        assert.equal(isAlive(gone), false);
        (await RunLock.take(folder)).release();
      }
    }));

  it('takes over a file that a crash cut off', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'lock.json'), '{"pid":');
      (await RunLock.take(folder)).release();
    }));

  it('watches a holder on another machine: a sign of life refuses, none gives way, whatever the clocks say', () =>
    inFolder(async (folder) => {
      const path = writeLock(folder, ELSEWHERE);
      // The other machine's clock runs in the last century, and backwards.
      let seconds = 1_000_000;
      const beat = setInterval(() => utimesSync(path, (seconds -= 1), seconds), 20);
      try {
        await assert.rejects(RunLock.take(folder, QUICK), {
          message: /process 7 on elsewhere \(since 2026-01-01T00:00:00Z\) does/,
        });
      } finally {
        clearInterval(beat);
      }
      (await RunLock.take(folder, QUICK)).release();
    }));

  it('of two that find a stale lock, one gets it', () =>
    inFolder(async (folder) => {
      writeLock(folder, ELSEWHERE);
      const both = await Promise.allSettled([1, 2].map(() => RunLock.take(folder, QUICK)));
      const [won] = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
      won.release();
    }));

  it('a trainer that slept while another took the folder over, trained and gave it free is refused', () =>
    inFolder(async (folder) => {
      const slept = await RunLock.take(folder);
      slept.requireHeld();
      const path = writeLock(folder, { ...ownProcess(), pid: 2 ** 22 + 1 });
      (await RunLock.take(folder)).release();
      assert.throws(() => slept.requireHeld(), {
        message: `Cannot go on as the run's folder must be this trainer's: "${path}" is gone, so another trainer may have trained there meanwhile`,
      });
      slept.release();
    }));

  it('a trainer whose lock was taken over while it slept stops before it writes', () =>
    inFolder(async (folder) => {
      const pipeline = await loadSmall('flow_grpo');
      const onStep = () => void writeLock(folder, ELSEWHERE);
      await assert.rejects(SMALL_RUNS.FlowGRPO.train(pipeline, { runDirectory: folder, onStep }), {
        message:
          "Cannot go on as the run's folder must be this trainer's: process 7 on elsewhere (since 2026-01-01T00:00:00Z) has taken it over",
      });
      assert.equal(JSON.parse(readFileSync(join(folder, 'lock.json'), 'utf8')).pid, 7);
      pipeline.dispose();
    }));

  it('two trainers on one folder: the second is refused, the first goes on', () =>
    inFolder(async (runDirectory) => {
      const pipeline = await loadSmall('flow_grpo');
      let refusal: unknown;
      const { stopped } = await SMALL_RUNS.FlowGRPO.train(pipeline, {
        runDirectory,
        onStep: async ({ step }) => {
          if (step !== 1) return;
          refusal = await SMALL_RUNS.FlowGRPO.train(pipeline, { runDirectory }).catch(
            (error: unknown) => error,
          );
        },
      });
      assert.equal(stopped, 'finished');
      assert.match((refusal as Error).message, /^Cannot train in .* as one trainer at a time/);
      pipeline.dispose();
    }));
});

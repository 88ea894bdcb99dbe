import assert from 'node:assert/strict';
import { join } from 'node:path';
import { RandomKey } from '@flowbook/sdk';
import { isLong } from '../../long-run';
import { inFolder } from '../../sdk/training/run/small-runs';
import { runChild, traceOf } from './child';

/** Of each trainer; test/kernel-extensions/sweep kills sweeps. */
const KILLS = isLong ? 80 : 8;
const SEED = isLong ? Date.now() % 2 ** 31 : 7;
/** A child ends by itself after this many lines: its model, and six steps. */
const LINES = 7;
const CHILD = join(__dirname, 'train-child.ts');

describe('SIGKILL at random moments', function () {
  this.timeout((isLong ? 60 : 10) * 60_000);

  for (const [place, name] of ['FlowGRPO', 'offline Diffusion-DPO'].entries()) {
    it(`${name}: nothing is lost, and log, pictures and weights are those of a run that was never stopped`, () =>
      inFolder(async (parent) => {
        const whole = join(parent, 'whole');
        assert.equal((await runChild(CHILD, [name, whole], null)).code, 0);
        const expected = traceOf(whole);
        let killed = 0;
        for (let run = 0; killed < KILLS; run++) {
          const folder = join(parent, `run-${run}`);
          for (let start = 0; ; start++) {
            const key = RandomKey.fromSeed(SEED).fold(name, place).fold(run, start);
            const [lines, wait] = [key.fold('lines').uniform(), key.fold('wait').uniform()];
            // The sixth start of a run is left alone: most of them are killed three or four times.
            const moment =
              start === 5 || killed >= KILLS
                ? null
                : { lines: 1 + Math.floor(lines * (LINES - 2)), waitMs: wait * 200 };
            const { code, wasKilled, stderr } = await runChild(CHILD, [name, folder], moment);
            if (!wasKilled) {
              assert.equal(code, 0, `seed ${SEED}, run ${run}, start ${start}: ${stderr}`);
              break;
            }
            killed += 1;
          }
          assert.deepEqual(traceOf(folder), expected, `seed ${SEED}, run ${run}`);
        }
        process.stdout.write(`      ${killed} kills, seed ${SEED}: 0 lost, 0 differing\n`);
      }));
  }
});

import assert from 'node:assert/strict';
import { isLong, runResumably } from '../../long-run';
import { ReaderProcess } from './reader-process';
import { TARGETS } from './targets';

const COUNT = isLong ? 100_000 : 2_000;
/** Others each day: a long run that was stopped goes on where it was on the same day. */
const SEED = isLong ? Math.floor(Date.now() / 86_400_000) : 11;
/** Files between two notes of how far it is. */
const PART = 250;

describe('mutated files', function () {
  this.timeout((isLong ? 300 : 10) * 60_000);
  const reader = new ReaderProcess();
  after(() => reader.close());

  const names = Object.keys(TARGETS);
  for (const name of names) {
    it(`${name}: each gives an error in words or a right answer, in time and memory`, async () => {
      const count = Math.ceil(COUNT / names.length);
      const starts = Array.from({ length: Math.ceil(count / PART) }, (_, part) => part * PART);
      const parts = await runResumably(
        `mutated-${name.replaceAll(' ', '-')}`,
        starts.map((from) => `${SEED}:${from}`),
        (id) => {
          const from = Number(id.split(':')[1]);
          return reader.read(name, SEED, from, Math.min(from + PART, count));
        },
      );
      const problems = Object.values(parts).flat();
      assert.deepEqual(problems.slice(0, 5), [], `seed ${SEED}, ${problems.length} in all`);
    });
  }
});

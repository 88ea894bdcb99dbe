import assert from 'node:assert/strict';
import { isLong } from '../../long-run';
import { ReaderProcess } from './reader-process';
import { TARGETS } from './targets';

const COUNT = isLong ? 100_000 : 2_000;
const SEED = isLong ? Date.now() % 2 ** 31 : 11;

describe('mutated files', function () {
  this.timeout((isLong ? 300 : 10) * 60_000);
  const reader = new ReaderProcess();
  after(() => reader.close());

  const names = Object.keys(TARGETS);
  for (const name of names) {
    it(`${name}: each gives an error in words or a right answer, in time and memory`, async () => {
      const problems = await reader.read(name, SEED, 0, Math.ceil(COUNT / names.length));
      assert.deepEqual(problems.slice(0, 5), [], `seed ${SEED}, ${problems.length} in all`);
    });
  }
});

import assert from 'node:assert/strict';
import measured from '../../scaling/measured.json';
import { calibrate } from '../../scaling/calibrate';
import type { Measurements } from '../../scaling/measure';

const run = (workers: number, rollout: number, part: number) => ({
  workers,
  rolloutSeconds: [rollout * 1.5, rollout],
  busySecondsPerPart: [part, part * 1.2],
  updateSeconds: [1, 1],
});

const MEASURED: Measurements = {
  machine: { cores: 2, processor: 'any', node: 'v20', remark: '' },
  partsPerStep: 8,
  picturesPerPart: 2,
  runs: [run(1, 8, 1), run(2, 6, 1.5), run(4, 6, 3)],
};

describe('calibrate()', () => {
  it('fits one and two workers and predicts four from what shares two cores', () => {
    const { partSeconds, callSeconds, contention, errors } = calibrate(MEASURED);
    assert.equal(partSeconds, 1);
    assert.equal(callSeconds, 0);
    assert.ok(Math.abs(contention - 0.5) < 1e-9);
    for (const { error } of errors) assert.ok(Math.abs(error) < 1e-9);
    assert.deepEqual(
      errors.map(({ isFitted }) => isFitted),
      [true, true, false],
    );
  });

  it('is within a tenth of the kept measurement of one worker', () => {
    const [one] = calibrate(measured).errors;
    assert.ok(Math.abs(one.error) < 0.1, `${one.error}`);
  });

  it('needs runs of one and two workers', () => {
    assert.throws(() => calibrate({ ...MEASURED, runs: [run(4, 6, 3)] }), {
      message: 'Cannot calibrate as runs of 1 and 2 workers must be measured: current value is 4',
    });
  });
});

import assert from 'node:assert/strict';
import { WORKLOADS } from '../../scaling/settings';
import { sweep, workerCounts } from '../../scaling/sweep';
import { tableOf } from '../../scaling/table';
import { parametersOf } from '../../scaling/transformer-cost';
import { pictureSeconds, reportedUtilisation } from '../../scaling/workload-scenario';

describe('sweep()', () => {
  it('counts the weights of Qwen-Image as published, 20 billion', () => {
    assert.equal(Math.round(parametersOf(WORKLOADS['qwen-image'].model) / 1e9), 20);
  });

  it("uses a GPU as the reported rate does: a picture's rollout and gradients take its time", () => {
    const { rollout, gradients } = pictureSeconds(WORKLOADS['qwen-image']);
    assert.ok(Math.abs(1 / (rollout + gradients) - 0.305) < 1e-9);
    assert.ok(reportedUtilisation() > 0.1 && reportedUtilisation() < 0.5);
  });

  it('stops gaining once the trainer is busy, unless workers compute the gradients', () => {
    const rows = sweep('qwen-image', [2, 64], 1);
    const rate = (design: string, workers: number) =>
      rows.find((row) => row.design === design && row.workers === workers)?.picturesPerSecond ??
      NaN;
    const { gradients } = pictureSeconds(WORKLOADS['qwen-image']);
    assert.ok(rate('one step ahead', 64) <= 1 / gradients);
    assert.ok(rate('one step ahead', 64) < 1.6 * rate('one step ahead', 2));
    assert.ok(rate('gradients on workers', 64) > 10 * rate('gradients on workers', 2));
    assert.equal(tableOf(rows).split('\n').length, rows.length + 2);
  });

  it('doubles the workers from the first of a range to its last', () => {
    assert.deepEqual(workerCounts('2..512'), [2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert.deepEqual(workerCounts('3..10'), [3, 6, 10]);
    assert.throws(() => workerCounts('9..2'), {
      message:
        'Cannot simulate as --workers must be a range from 1 to 4096 such as 2..512: current value is 9..2',
    });
    assert.throws(() => sweep('x', [2], 1), {
      message: `Cannot simulate as --model must be one of ${Object.keys(WORKLOADS).join(', ')}: current value is x`,
    });
  });
});

import assert from 'node:assert/strict';
import { simulate, type SimulatedEvent } from '../../scaling/simulate';
import { UNDISTURBED } from './scenarios';

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${actual}, not ${expected}`);

const TROUBLED = {
  ...UNDISTURBED,
  workers: 5,
  partsPerStep: 40,
  straggling: 0.4,
  failureSeconds: 60,
  lateAfterSeconds: 4,
  callSeconds: 0.01,
};

describe('simulate()', () => {
  it('equals the closed form with one worker and no failures', () => {
    const run = simulate(
      {
        ...UNDISTURBED,
        phases: [{ seconds: 2, bytesOut: 50 }],
        callSeconds: 0.1,
        weightsBytes: 400,
        bytesPerSecond: 100,
      },
      1,
    );
    close(run.seconds, 4 * (6 * (0.1 + 2 + 0.5) + 4 + 3));
    close(run.workersIdle, 1 - (4 * 6 * 2) / run.seconds);
    close(run.trainerIdle, 1 - (4 * 3) / run.seconds);
    assert.equal(run.weightsBytes, 1600);
    assert.equal(run.answerBytes, 1200);
    assert.equal(run.staleness, 0);
  });

  it('divides a rollout among workers, in rounds', () => {
    close(simulate({ ...UNDISTURBED, workers: 3 }, 1).seconds, 4 * (2 * 2 + 3));
    close(simulate({ ...UNDISTURBED, workers: 4 }, 1).seconds, 4 * (2 * 2 + 3));
    close(simulate({ ...UNDISTURBED, workers: 6 }, 1).seconds, 4 * (2 + 3));
  });

  it('shares cores: four workers on two cores are as fast as two', () => {
    const shared = { ...UNDISTURBED, cores: 2, partsPerStep: 8 };
    close(simulate({ ...shared, workers: 2 }, 1).seconds, 4 * (8 + 3));
    close(simulate({ ...shared, workers: 4 }, 1).seconds, 4 * (8 + 3));
    close(simulate({ ...shared, workers: 2, contention: 0.5 }, 1).seconds, 4 * (12 + 3));
  });

  it('hides the shorter of rollout and update behind the other with maxStaleness 1', () => {
    const ahead = { ...UNDISTURBED, maxStaleness: 1, workers: 3 };
    // Both first steps are asked for at once; then an update of 3 s hides behind rollouts of 4 s.
    close(simulate({ ...ahead, steps: 50 }, 1).seconds, 50 * 4 + 3);
    const { staleness } = simulate({ ...ahead, steps: 50 }, 1);
    close(staleness, 49 / 50);
  });

  it('has workers make gradients in a second phase of the same step', () => {
    const phases = [
      { seconds: 2, bytesOut: 0 },
      { seconds: 1, bytesOut: 0 },
    ];
    const run = simulate({ ...UNDISTURBED, phases, workers: 3 }, 1);
    close(run.seconds, 4 * (2 * 2 + 2 * 1 + 3));
    assert.equal(run.parts, 4 * 12);
  });

  it('makes every part exactly once, whatever fails', () => {
    for (let seed = 0; seed < 20; seed++) {
      const done = new Map<number, number>();
      const run = simulate({ ...TROUBLED, maxStaleness: seed % 3 }, seed, ({ kind, part = -1 }) => {
        if (kind === 'done') done.set(part, (done.get(part) ?? 0) + 1);
      });
      assert.equal(done.size, 4 * 40);
      assert.ok([...done.values()].every((times) => times === 1));
      assert.equal(run.parts, 4 * 40);
      assert.ok(run.failures > 0 && run.requeued > 0);
      assert.ok(run.workersIdle > 0 && run.workersIdle < 1);
    }
  });

  it('has the same events with the same seed, others with another', () => {
    const events = (seed: number) => {
      const seen: SimulatedEvent[] = [];
      simulate(TROUBLED, seed, (event) => seen.push(event));
      return seen;
    };
    assert.deepEqual(events(3), events(3));
    assert.notDeepEqual(events(3), events(4));
  });

  it('never loses throughput to more workers, and no more than the trainer learns', () => {
    for (const maxStaleness of [0, 1]) {
      let before = 0;
      for (let workers = 1; workers <= 64; workers++) {
        const { picturesPerSecond } = simulate(
          { ...UNDISTURBED, steps: 60, partsPerStep: 64, maxStaleness, workers },
          1,
        );
        assert.ok(picturesPerSecond >= before * (1 - 1e-9), `${workers} workers`);
        assert.ok(picturesPerSecond <= (64 * 2) / 3);
        before = picturesPerSecond;
      }
    }
  });

  it('refuses numbers out of bounds', () => {
    assert.throws(() => simulate({ ...UNDISTURBED, workers: 0 }, 1), {
      message: 'Cannot simulate as workers must be a whole number from 1: current value is 0',
    });
    assert.throws(() => simulate({ ...UNDISTURBED, cores: NaN }, 1), {
      message: 'Cannot simulate as cores must be above 0: current value is NaN',
    });
  });
});

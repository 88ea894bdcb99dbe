import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { runJob } from '../../../kernel-extensions/src/cluster/launch/follow';
import type { Job, Launcher } from '../../../kernel-extensions/src/cluster/launch/launcher';

/** Runs that are over once they were looked at three times. */
class ThreeLooks implements Launcher {
  readonly name = 'looks';
  readonly #looks = new Map<string, number>();

  async submit({ tasks }: Job) {
    return tasks.map((_, task) => `run-${task}`);
  }
  async status(id: string) {
    const looks = (this.#looks.get(id) ?? 0) + 1;
    this.#looks.set(id, looks);
    const state = looks < 3 ? ('running' as const) : ('succeeded' as const);
    return { state, exitCode: 0, detail: '' };
  }
  async log() {
    return '';
  }
  async stop() {}
}

describe('runJob()', () => {
  it('follows many runs at a time without a warning of leaked listeners', async () => {
    const tasks = Array.from({ length: 30 }, (_, task) => ({
      parameters: [],
      directory: `/${task}`,
    }));
    const job: Job = { name: 'many', folder: '/', files: [], program: ['node'], tasks };
    const warnings: string[] = [];
    const warned = ({ name }: Error) => void warnings.push(name);
    process.on('warning', warned);
    try {
      const { signal } = new AbortController();
      const ends = await runJob(new ThreeLooks(), job, { onText: () => {}, signal, everyMs: 1 });
      assert.equal(ends.length, 30);
      assert.ok(ends.every(({ state }) => state === 'succeeded'));
      // Warnings come with the next tick.
      await setImmediate();
    } finally {
      process.off('warning', warned);
    }
    assert.deepEqual(warnings, []);
  });
});

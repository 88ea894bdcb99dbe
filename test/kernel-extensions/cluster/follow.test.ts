import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { runJob } from '../../../kernel-extensions/src/cluster/launch/follow';
import { textOnStderr } from '../../sdk/io/hub/text-on-stderr';
import type { Job, Launcher } from '../../../kernel-extensions/src/cluster/launch/launcher';

/** Runs that are over once they were looked at three times. */
class ThreeLooks implements Launcher {
  readonly name = 'looks';
  readonly #looks = new Map<string, number>();

  /** @param failures Looks at a run that fail at first. */
  constructor(
    private failures = 0,
    private readonly text = '',
  ) {}

  async submit({ tasks }: Job) {
    return tasks.map((_, task) => `run-${task}`);
  }
  async status(id: string) {
    if (this.failures-- > 0) throw new Error('no answer');
    const looks = (this.#looks.get(id) ?? 0) + 1;
    this.#looks.set(id, looks);
    const state = looks < 3 ? ('running' as const) : ('succeeded' as const);
    return { state, exitCode: 0, detail: '' };
  }
  async log() {
    return this.text;
  }
  async stop() {}
}

describe('runJob()', () => {
  const jobOf = (count: number): Job => {
    const tasks = Array.from({ length: count }, (_, task) => ({
      parameters: [],
      directory: `/${task}`,
    }));
    return { name: 'many', folder: '/', files: [], program: ['node'], tasks };
  };

  it('asks again when a cluster does not answer, and gives up after ten times in a row', async () => {
    const { signal } = new AbortController();
    const events: string[] = [];
    const options = {
      onText: () => {},
      onEvent: (words: string) => void events.push(words),
      signal,
      everyMs: 0.1,
    };
    const [{ state }] = await runJob(new ThreeLooks(9), jobOf(1), options);
    assert.equal(state, 'succeeded');
    assert.deepEqual(events.slice(1), Array(9).fill('Task 0 is asked about again: no answer'));
    await assert.rejects(runJob(new ThreeLooks(10), jobOf(1), options), { message: 'no answer' });
  });

  it('asks again when a stop fails, and stops the other runs meanwhile', async () => {
    const controller = new AbortController();
    const states = new Map<string, 'running' | 'stopped'>();
    const asked: string[] = [];
    const launcher: Launcher = {
      name: 'deaf',
      submit: async ({ tasks }) => tasks.map((_, task) => `run-${task}`),
      status: async (id) => ({ state: states.get(id) ?? 'running', exitCode: null, detail: '' }),
      log: async () => '',
      stop: async (id) => {
        asked.push(id);
        if (id === 'run-0' && asked.filter((one) => one === id).length < 3)
          throw new Error('no answer');
        states.set(id, 'stopped');
      },
    };
    const running = runJob(launcher, jobOf(2), {
      onText: () => {},
      signal: controller.signal,
      everyMs: 1,
    });
    controller.abort();
    const ends = await running;
    assert.deepEqual(
      ends.map(({ state }) => state),
      ['stopped', 'stopped'],
    );
    assert.deepEqual(asked.sort(), ['run-0', 'run-0', 'run-0', 'run-1']);
  });

  it('hands a lost run over again until the cluster takes it, and prints each line once', async () => {
    const events: string[] = [];
    let text = '';
    let refusals = 2;
    let failedLogs = 1;
    const launcher: Launcher = {
      name: 'losing',
      findsSubmitted: true,
      submit: async (_, { resume }) => {
        if (!resume) return ['first'];
        if (refusals-- > 0) throw new Error('connection refused');
        return ['second'];
      },
      status: async (id) => ({
        state: id === 'first' ? 'lost' : 'succeeded',
        exitCode: null,
        detail: 'node died',
      }),
      log: async (id) => {
        if (id === 'second' && failedLogs-- > 0) throw new Error('no log yet');
        return id === 'first' ? 'a longer text of the first\n' : 'of the second\n';
      },
      stop: async () => {},
    };
    const [{ state }] = await runJob(launcher, jobOf(1), {
      onText: (more) => (text += more),
      onEvent: (words) => events.push(words),
      signal: new AbortController().signal,
      everyMs: 0.1,
    });
    assert.equal(state, 'succeeded');
    assert.equal(text, 'a longer text of the first\n');
    assert.deepEqual(events, [
      'Submitted on losing: first',
      ...Array<string>(2).fill('Task 0 is asked about again: connection refused'),
      'Task 0 was lost (node died): goes on as second',
      'Task 0 is asked about again: no log yet',
    ]);
  });

  it('shows what a lost run printed, and asks once for another that it could not find again', async () => {
    let asked = 0;
    let text = '';
    const launcher: Launcher = {
      name: 'blind',
      submit: async (_, { resume }) => {
        if (!resume) return ['first'];
        asked += 1;
        assert.equal(text, 'of the first\n');
        throw new Error('no answer in time');
      },
      status: async () => ({ state: 'lost', exitCode: null, detail: '' }),
      log: async () => 'of the first\n',
      stop: async () => {},
    };
    const running = runJob(launcher, jobOf(1), {
      onText: (more) => (text += more),
      signal: new AbortController().signal,
      everyMs: 0.1,
    });
    await assert.rejects(running, { message: 'no answer in time' });
    assert.equal(asked, 1);
  });

  it('goes on when what watches it fails, and says so once', async () => {
    const fail = () => {
      throw new Error('no screen');
    };
    const { signal } = new AbortController();
    const said = await textOnStderr(async () => {
      const options = { onText: fail, onEvent: fail, signal, everyMs: 0.1 };
      const [{ state }] = await runJob(new ThreeLooks(2, 'a text'), jobOf(1), options);
      assert.equal(state, 'succeeded');
    });
    assert.equal(
      said,
      'What watches runs failed, and the job goes on: no screen\nWhat shows texts of runs failed, and the job goes on: no screen\n',
    );
  });

  it('follows many runs at a time without a warning of leaked listeners', async () => {
    const warnings: string[] = [];
    const warned = ({ name }: Error) => void warnings.push(name);
    process.on('warning', warned);
    try {
      const { signal } = new AbortController();
      const ends = await runJob(new ThreeLooks(), jobOf(30), {
        onText: () => {},
        signal,
        everyMs: 1,
      });
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

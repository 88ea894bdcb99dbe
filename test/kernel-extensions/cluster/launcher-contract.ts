import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  isOver,
  runJob,
  type Job,
  type JobStatus,
  type Launcher,
} from '@flowbook/kernel-extensions';

/** Prints what it was given, counts to its number of steps, leaves a checkpoint when it is told to end, and goes on from it. */
const SCRIPT = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const folder = process.env.FLOWBOOK_RUN_DIR;
const value = (name) => process.argv.find((one) => one.startsWith('--' + name + '='))?.split('=')[1];
const checkpoint = folder + '/checkpoint';
const resumes = process.argv.includes('--resume') && existsSync(checkpoint);
let step = resumes ? Number(readFileSync(checkpoint, 'utf8')) : 0;
console.log(resumes ? 'resumed' : 'began', process.argv.slice(2).join(' '));
console.log(readFileSync('data/words.txt', 'utf8').trim());
process.on('SIGTERM', () => {
  writeFileSync(checkpoint, String(step));
  console.log('checkpoint');
  process.exit(75);
});
const steps = Number(value('steps') ?? 0);
while (step < steps) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  step += 1;
  if (value('save')) writeFileSync(checkpoint, String(step));
}
console.log('done', step);
process.exit(Number(value('code') ?? 0));
`;

/** A launcher to be tested. */
export interface LauncherCase {
  launcher: Launcher;
  /** Takes the machine of a run away for good. */
  loseMachine: (id: string) => Promise<void>;
  /** Whether the scheduler itself runs what was lost again, so that the id stays. */
  requeues: boolean;
}

/**
 * What every launcher must do.
 *
 * @param title Of the suite.
 */
export function launcherContract(title: string, open: () => Promise<LauncherCase>): void {
  describe(title, function () {
    this.timeout(300_000);
    let one: LauncherCase;
    let folder: string;

    before(async () => {
      one = await open();
    });

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'flowbook-launch-'));
      mkdirSync(join(folder, 'bundle', 'data'), { recursive: true });
      writeFileSync(join(folder, 'bundle', 'run.mjs'), SCRIPT);
      writeFileSync(join(folder, 'bundle', 'data', 'words.txt'), 'words of the bundle\n');
    });

    afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

    function job(...tasks: string[][]): Job {
      return {
        name: 'contract',
        folder: join(folder, 'bundle'),
        files: ['run.mjs', 'data/words.txt'],
        program: [process.execPath, 'run.mjs'],
        tasks: tasks.map((parameters, at) => ({
          parameters,
          directory: join(folder, `run-${at}`),
        })),
      };
    }

    async function ended(id: string): Promise<JobStatus> {
      for (;;) {
        const status = await one.launcher.status(id);
        if (isOver(status)) return status;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }

    async function untilLogged(id: string, words: string): Promise<void> {
      while (!(await one.launcher.log(id)).includes(words)) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }

    it('runs a script with its files and its arguments, whatever is in them', async () => {
      const words = ['--text=it’s "50 %"', "$HOME 'quoted' `x`", 'a;b'];
      const [id] = await one.launcher.submit(job(words), { resume: false });
      assert.deepEqual(await ended(id).then(({ state, exitCode }) => [state, exitCode]), [
        'succeeded',
        0,
      ]);
      await untilLogged(id, 'done 0');
      // What a launcher itself says may come before, between and after.
      const lines = (await one.launcher.log(id)).split('\n');
      assert.deepEqual(
        lines.filter((line) => /^(began|words|done) /.test(line)),
        [`began ${words.join(' ')}`, 'words of the bundle', 'done 0'],
      );
    });

    it('says what a script ended with', async () => {
      const [id] = await one.launcher.submit(job(['--code=3']), { resume: false });
      const { state, exitCode } = await ended(id);
      assert.deepEqual([state, exitCode], ['failed', 3]);
    });

    it('runs each task with its own arguments and folder', async () => {
      const ids = await one.launcher.submit(job(['--first'], ['--second', '--code=4']), {
        resume: false,
      });
      assert.equal(new Set(ids).size, 2);
      const ends = await Promise.all(ids.map(ended));
      assert.deepEqual(
        ends.map(({ exitCode }) => exitCode),
        [0, 4],
      );
      for (const [at, word] of ['--first', '--second'].entries()) {
        await untilLogged(ids[at], `began ${word}`);
        assert.ok(existsSync(join(folder, `run-${at}`)));
      }
    });

    it('lets a run that is stopped write its checkpoint, and goes on from it', async () => {
      const [id] = await one.launcher.submit(job(['--steps=600']), { resume: false });
      await untilLogged(id, 'began');
      await one.launcher.stop(id);
      const { state } = await ended(id);
      assert.equal(state, 'stopped');
      const step = Number(readFileSync(join(folder, 'run-0', 'checkpoint'), 'utf8'));
      assert.ok(step < 600);
      const again = job([`--steps=${step + 2}`]);
      const [next] = await one.launcher.submit(again, { resume: true });
      assert.equal((await ended(next)).state, 'succeeded');
      await untilLogged(next, `done ${step + 2}`);
      assert.ok((await one.launcher.log(next)).includes('resumed'));
    });

    it('is followed to the end, every line printed once', async () => {
      let text = '';
      const ends = await runJob(one.launcher, job(['--steps=3']), {
        onText: (more) => (text += more),
        signal: new AbortController().signal,
        everyMs: 100,
      });
      assert.equal(ends[0].state, 'succeeded');
      assert.equal(text.match(/began/g)?.length, 1);
      assert.equal(text.match(/words of the bundle/g)?.length, 1);
    });

    it('is stopped by whoever follows it', async () => {
      const controller = new AbortController();
      const ends = await runJob(one.launcher, job(['--steps=600']), {
        onText: (more) => {
          if (more.includes('began')) controller.abort();
        },
        signal: controller.signal,
        everyMs: 100,
      });
      assert.equal(ends[0].state, 'stopped');
      assert.ok(existsSync(join(folder, 'run-0', 'checkpoint')));
    });

    it('goes on where it was when its machine is lost', async () => {
      const { loseMachine } = one;
      let text = '';
      const ids: string[] = [];
      let isLost = false;
      const ends = await runJob(one.launcher, job(['--steps=60', '--save=1']), {
        onText: (more) => {
          text += more;
          if (!text.includes('began') || isLost) return;
          isLost = true;
          setTimeout(() => void loseMachine(ids[0]), 500);
        },
        onEvent: (words) => ids.push(...words.replace(/^.*: (goes on as )?/, '').split(', ')),
        signal: new AbortController().signal,
        everyMs: 100,
      });
      assert.equal(ends[0].state, 'succeeded', JSON.stringify(ends));
      assert.ok(text.includes('resumed'), text);
      if (!one.requeues) assert.equal(ids.length, 2);
    });
  });
}

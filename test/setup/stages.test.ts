import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setupModule } from './setup-module';
import { temporaryFolder } from './temporary-folder';

function memory(): { stream: Writable; lines: () => string[] } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return { stream, lines: () => text.trimEnd().split('\n') };
}

describe('runStages', () => {
  it('runStages() prints a line a stage: what, how it ended, how long', async () => {
    const { runStages } = await setupModule('stages.mjs');
    const { stream, lines } = memory();
    const stages = [
      { name: 'one', run: async () => 'is there' },
      { name: 'second', run: async () => undefined },
    ];
    assert.deepEqual(await runStages(stages, { stream }), []);
    assert.match(lines()[0], /^\[1\/2\] one {4} is there \(\d+\.\d s\)$/);
    assert.match(lines()[1], /^\[2\/2\] second {2}done \(\d+\.\d s\)$/);
  });

  it('runStages() rewrites the line with the percentage on a terminal', async () => {
    const { runStages } = await setupModule('stages.mjs');
    const { stream, lines } = memory();
    Object.assign(stream, { isTTY: true, columns: 80 });
    const run = async (report: (text: string, fraction: number) => void) => {
      report('unpacking', 0.456);
      await new Promise((resolve) => setTimeout(resolve, 450));
    };
    await runStages([{ name: 'one', run }], { stream });
    assert.match(lines().join('\n'), /\[1\/1\] one {2}unpacking 45 % \(\d+\.\d s\)/);
  });

  it('runStages() goes on after something that is missing, and stops at what is essential', async () => {
    const { runStages } = await setupModule('stages.mjs');
    const { SetupProblem } = await setupModule('setup-problem.mjs');
    const { stream, lines } = memory();
    const ran: string[] = [];
    const stage = (name: string, problem: Error | null, essential = false) => ({
      name,
      essential,
      run: async () => {
        ran.push(name);
        if (problem) throw problem;
      },
    });
    const [first, second] = [new SetupProblem('compiler', 'a'), new SetupProblem('network', 'b')];
    const stages = [stage('a', first), stage('b', second, true), stage('c', null)];
    assert.deepEqual(await runStages(stages, { stream }), [first, second]);
    assert.deepEqual(ran, ['a', 'b']);
    assert.match(lines()[0], /missing: compiler/);
    await assert.rejects(runStages([stage('d', new Error('a bug'))], { stream }), /a bug/);
  });
});

describe('withLock', () => {
  const folder = temporaryFolder();

  it('withLock() lets one at a time work', async () => {
    const { withLock } = await setupModule('lock.mjs');
    let inside = 0;
    let most = 0;
    const work = () =>
      withLock(folder.path, 'one', async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 30));
        inside -= 1;
      });
    await Promise.all([work(), work(), work()]);
    assert.equal(most, 1);
    assert.equal(existsSync(join(folder.path, 'locks', 'one.lock')), false);
  });

  it('withLock() takes over the lock of a process that has died', async () => {
    const { withLock } = await setupModule('lock.mjs');
    mkdirSync(join(folder.path, 'locks'), { recursive: true });
    // No process has this id: it is beyond what systems give.
    writeFileSync(join(folder.path, 'locks', 'dead.lock'), `999999999 ${hostname()}`);
    assert.equal(await withLock(folder.path, 'dead', async () => 'done'), 'done');
  });

  it('withLock() is free again after work that throws', async () => {
    const { withLock } = await setupModule('lock.mjs');
    const fail = async () => {
      throw new Error('no');
    };
    await assert.rejects(withLock(folder.path, 'two', fail), /no/);
    assert.equal(await withLock(folder.path, 'two', async () => 1), 1);
  });
});

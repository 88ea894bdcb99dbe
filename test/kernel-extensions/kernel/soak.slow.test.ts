import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isLong } from '../../long-run';
import { resultText, runningKernel } from './running-kernel';

const CELLS = isLong ? 1000 : 60;
const PART = CELLS / 5;

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Memory that a process has for itself, in MB. */
function residentMb(pid: number): number {
  const [, kilobytes] =
    /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** What is still in use of the cells' heap, in MB, and not merely to be collected yet. */
const LIVE_HEAP = `(() => {
  require('node:v8').setFlagsFromString('--expose-gc');
  (require('node:vm').runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed / 2 ** 20;
})()`;

describe('a long session', () => {
  const running = runningKernel();

  it(`of ${CELLS} cells keeps its pace and its memory`, async () => {
    const { kernel } = running;
    const engine = Number(resultText(await kernel.execute('process.pid')));
    const times: number[] = [];
    const memory: number[] = [];
    const live: number[] = [];
    const measureHeap = async () => live.push(Number(resultText(await kernel.execute(LIVE_HEAP))));
    for (let n = 0; n < CELLS; n++) {
      const started = performance.now();
      const { status } = await kernel.execute(
        `const list${n % 50}: number[] = Array.from({ length: 1000 }, (_, i) => i * ${n}); console.log(list${n % 50}.length); list${n % 50}[1]`,
      );
      times.push(performance.now() - started);
      assert.equal(status, 'ok');
      if (n === PART - 1) await measureHeap();
      if (n % 10 === 9) memory.push(residentMb(engine));
    }
    await measureHeap();
    // The first cells and a part of the memory warm up; a part is compared with the last one.
    const second = times.slice(PART, 2 * PART);
    const last = times.slice(-PART);
    const grown =
      median(memory.slice(-PART / 10)) - median(memory.slice(PART / 10, (2 * PART) / 10));
    const kept = live[1] - live[0];
    const summary = `${median(second).toFixed(1)} ms, then ${median(last).toFixed(1)} ms a cell; ${grown.toFixed(0)} MB more, ${kept.toFixed(1)} MB of them in use`;
    if (isLong) {
      process.stdout.write(`      ${summary}\n`);
      assert.ok(median(last) < 1.3 * median(second), summary);
    }
    assert.ok(grown < 200, summary);
    assert.ok(kept < 8 + 0.03 * CELLS, summary);
  }).timeout(900_000);
});

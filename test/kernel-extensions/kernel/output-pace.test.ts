import assert from 'node:assert/strict';
import { OutputPace } from '../../../kernel-extensions/src/kernel/server/output-pace';

/** Jupyter server's own rule: what comes in a window of 3 seconds, at most 1 MB and 1000 messages a second. */
function largestWindow(sent: { time: number; bytes: number }[]): {
  bytes: number;
  messages: number;
} {
  let largest = { bytes: 0, messages: 0 };
  for (const { time } of sent) {
    const inside = sent.filter((other) => other.time > time - 3000 && other.time <= time);
    const bytes = inside.reduce((sum, message) => sum + message.bytes, 0);
    largest = {
      bytes: Math.max(largest.bytes, bytes),
      messages: Math.max(largest.messages, inside.length),
    };
  }
  return largest;
}

function send(count: number, bytes: number) {
  let time = 0;
  const pace = new OutputPace(() => time);
  return Array.from({ length: count }, () => {
    time += pace.delayFor(bytes);
    return { time, bytes };
  });
}

describe('OutputPace', () => {
  it('delayFor() lets what a server takes at once go at once', () => {
    assert.equal(send(30, 65_536).at(-1)?.time, 0);
    assert.equal(send(2000, 0).at(-1)?.time, 0);
  });

  it("delayFor() keeps printed text below a server's bytes", () => {
    const sent = send(300, 65_536);
    assert.ok(largestWindow(sent).bytes < 3_000_000);
    assert.ok(sent[299].time < 27_000, 'and uses most of them');
  });

  it("delayFor() keeps messages below a server's number", () => {
    assert.ok(largestWindow(send(6000, 0)).messages < 3000);
  });

  it('delayFor() does not stop at one message larger than the window', () => {
    assert.ok(Number.isFinite(send(3, 10_000_000)[2].time));
  });
});

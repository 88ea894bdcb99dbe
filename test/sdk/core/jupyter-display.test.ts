import assert from 'node:assert/strict';
import '@flowbook/kernel-extensions';
import { FlowMatchSDEDiscreteScheduler, jupyterDisplay, tf } from '@flowbook/sdk';

const drawSymbol = Symbol.for('flowbook.display.draw');
type Displayed = Record<symbol, () => Promise<Record<string, unknown>>>;
const show = (value: unknown) => (value as Displayed)[jupyterDisplay]();

describe("Symbol.for('Jupyter.display')", () => {
  const place = globalThis as Record<symbol, unknown>;
  let before: unknown;
  beforeEach(() => (before = place[drawSymbol]));
  afterEach(() => (place[drawSymbol] = before));

  it('describes tensors and schedulers in words where there are no charts', async () => {
    delete place[drawSymbol];
    const tensor = await show(tf.tensor1d([1, 2]));
    assert.match(String(tensor['text/plain']), /dtype: float32[\s\S]*\[1, 2\]/);
    const scheduler = new FlowMatchSDEDiscreteScheduler();
    scheduler.setTimesteps(2);
    assert.deepEqual(await show(scheduler), {
      'text/plain': '2 steps, sigmas 1.0000, 0.0010, 0.0000',
    });
  });

  it('draws tensors and schedulers once the charts are loaded', async () => {
    const scheduler = new FlowMatchSDEDiscreteScheduler();
    scheduler.setTimesteps(4);
    for (const value of [tf.tensor1d([1, 2, 3]), scheduler]) {
      assert.deepEqual(Object.keys(await show(value)).sort(), [
        'application/vnd.vegalite.v5+json',
        'image/png',
        'text/plain',
      ]);
    }
  });
});

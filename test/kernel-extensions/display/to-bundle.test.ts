import assert from 'node:assert/strict';
import {
  displaySymbol,
  Drawing,
  mime,
  registerRenderer,
  rewardCurve,
  toBundle,
} from '@flowbook/kernel-extensions';
import { FlowMatchSDEDiscreteScheduler, tf } from '@flowbook/sdk';
import { pictureOf, schedule, trajectory } from './samples';

const textOf = async (value: unknown) => (await toBundle(value)).data[mime.plain] as string;
const nameOf = async (value: unknown) => (await toBundle(value, { png: false })).name;

describe('toBundle()', () => {
  it('gives strings as they are and other values by inspection', async () => {
    assert.equal(await textOf('two\nlines'), 'two\nlines');
    assert.equal(await textOf({ reward: 0.5, words: ['a'] }), "{ reward: 0.5, words: [ 'a' ] }");
    assert.equal(await textOf(undefined), 'undefined');
    assert.equal(await textOf(null), 'null');
    assert.equal(await textOf(3n), '3n');
    assert.match(await textOf(Math.max), /Function: max/);
  });

  it("takes what a value's Jupyter.display method returns, at once or later", async () => {
    const bundle = { 'text/html': '<b>x</b>', 'text/plain': 'x' };
    assert.deepEqual((await toBundle({ [displaySymbol]: () => bundle })).data, bundle);
    assert.deepEqual((await toBundle({ [displaySymbol]: async () => bundle })).data, bundle);
    const curve = { [displaySymbol]: () => rewardCurve([{ step: 0, reward: 1 }]) };
    assert.equal(await nameOf(curve), 'reward-curve');
    assert.equal(displaySymbol, Symbol.for('Jupyter.display'));
  });

  it('passes MIME bundles through, bytes as base64', async () => {
    const { data, metadata } = await toBundle({ 'image/png': Uint8Array.of(1, 2, 3) });
    assert.deepEqual([data, metadata], [{ 'image/png': 'AQID' }, {}]);
    const whole = { data: { 'text/plain': 'x' }, metadata: { 'text/plain': { a: 1 } } };
    assert.deepEqual(await toBundle(whole), whole);
  });

  it('gives data as JSON holds it, and inspects a bundle that JSON cannot hold', async () => {
    const { data } = await toBundle({ 'application/json': { at: new Date(0), f() {} } });
    assert.deepEqual(data, { 'application/json': { at: '1970-01-01T00:00:00.000Z' } });
    assert.equal(
      await textOf({ 'application/json': { id: 1n } }),
      "{ 'application/json': { id: 1n } }\n" +
        '(its display failed: Cannot show application/json as JSON must be able to hold it: current value of "id" is 1n)',
    );
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    assert.match(
      await textOf({ data: { 'a/b': circle } }),
      /current value of "self" is an object that holds it/,
    );
    assert.match(
      await textOf({ data: { 'text/plain': 'x' }, metadata: { n: 1n } }),
      /Cannot show the metadata "n" as JSON must be able to hold it: current value is 1n/,
    );
  });

  it('shows a value whose own inspection throws', async () => {
    const value = {
      a: 1,
      [Symbol.for('nodejs.util.inspect.custom')]() {
        throw new Error('no');
      },
    };
    assert.match(await textOf(value), /^\{\n? +a: 1,/);
  });

  it('draws a drawing without its PNG on request', async () => {
    const { data } = await toBundle(rewardCurve([]), { png: false });
    assert.deepEqual(Object.keys(data), [mime.vegaLite, mime.plain]);
  });

  it('waits for promises', async () => {
    assert.equal(await textOf(Promise.resolve('later')), 'later');
    assert.equal(await nameOf(Promise.resolve([pictureOf(4, 4)])), 'images');
  });

  it('knows tensors, schedules, trajectories and pictures by their structure', async () => {
    assert.equal(await nameOf(schedule), 'sigmas');
    assert.equal(await nameOf(trajectory), 'latents');
    assert.equal(await nameOf(pictureOf(4, 4)), 'images');
    assert.equal(await nameOf({ output: [pictureOf(4, 4)], customOutput: trajectory }), 'images');
    assert.equal(
      await nameOf({ output: trajectory.all_latents, customOutput: trajectory }),
      'latents',
    );
  });

  it('draws the tensors and the scheduler of the sdk', async () => {
    const values = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    assert.equal(await nameOf(values), 'tensor');
    assert.equal(await nameOf(tf.variable(values)), 'tensor');
    const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
    scheduler.setTimesteps(10);
    assert.match(await textOf(scheduler), /^Noise schedule, 10 steps/);
  });

  it('reads a tensor before it is disposed', async () => {
    const values = tf.tensor1d([1, 2]);
    const bundle = toBundle(values);
    values.dispose();
    assert.match((await bundle).data[mime.plain] as string, /\[1, 2\]/);
  });

  it('says of a disposed tensor that it is one', async () => {
    const values = tf.tensor1d([1, 2]);
    values.dispose();
    assert.equal(
      await textOf(values),
      'float32 (2,) disposed\n(its display failed: Cannot draw a tensor as its memory must be alive: it was disposed)',
    );
  });

  it('shows tensors inside objects in a line each', async () => {
    const value = { loss: 0.5, gradients: [tf.zeros([2, 3])] };
    assert.equal(await textOf(value), '{ loss: 0.5, gradients: [ float32 (2, 3) ] }');
  });

  it('never throws: a failed display becomes the inspected value with a note', async () => {
    const broken = {
      a: 1,
      [displaySymbol]: () => {
        throw new Error('no ink');
      },
    };
    assert.match(await textOf(broken), /a: 1[^]*\(its display failed: no ink\)$/);
    assert.match(await textOf(Promise.reject(new Error('late'))), /\(its display failed: late\)$/);
    const loop: object = { [displaySymbol]: () => loop };
    assert.match(await textOf(loop), /it returned another display 8 times/);
    const hostileProxy = new Proxy({}, { get: () => assert.fail('touched') });
    assert.match(await textOf(hostileProxy), /its display failed: touched/);
  });

  it('asks registered renderers first, until they are removed', async () => {
    const remove = registerRenderer({
      name: 'point',
      matches: (value) => 'x' in value,
      draw: ({ x }: { x?: number }) => ({ 'text/plain': `x=${x}` }),
    });
    assert.equal(await textOf({ x: 3 }), 'x=3');
    remove();
    assert.equal(await textOf({ x: 3 }), '{ x: 3 }');
  });
});

describe('Drawing', () => {
  it('is awaited like a promise of its bundle', async () => {
    const drawing = rewardCurve([{ step: 0, reward: 1 }]);
    assert.ok(drawing instanceof Drawing);
    assert.deepEqual(await drawing, await drawing.bundle());
    let ended = false;
    await drawing.finally(() => (ended = true));
    assert.equal(ended, true);
  });

  it('keeps its other forms and says why when the PNG cannot be rendered', async () => {
    const spec = { $schema: 'x', mark: 'bar', data: { values: [], format: { type: 'none' } } };
    const { data } = await new Drawing({ name: 'broken', spec, text: 'words' });
    assert.deepEqual(Object.keys(data), [mime.vegaLite, mime.plain]);
    assert.match(data[mime.plain] as string, /^words\n\(no image\/png: /);
  });
});

import assert from 'node:assert/strict';
import {
  kl,
  memory,
  modelTree,
  noiseComparison,
  progress,
  readMemory,
} from '@flowbook/kernel-extensions';
import { tf, transitions } from '@flowbook/sdk';
import { parametersOf, schedule, tensorOf } from './samples';

describe('noiseComparison()', () => {
  it('finds no excess where a transition preserves the marginals, nor without noise', () => {
    const kinds = { cps: transitions.get('cps'), sde: transitions.get('sde') };
    assert.match(
      noiseComparison(schedule, kinds).text,
      /cps: largest excess 0\nsde: largest excess 0\.2/,
    );
    const without = noiseComparison(schedule, kinds, { noiseLevel: 0 }).text;
    assert.match(without, /cps: largest excess 0\nsde: largest excess 0$/);
  });

  it('refuses an empty schedule, and no kinds', () => {
    assert.throws(() => noiseComparison({ sigmaValues: [], timestepValues: [] }, {}), {
      message: 'Cannot compare noise as the schedule must have steps: current value is 0',
    });
    assert.throws(() => noiseComparison(schedule, {}), {
      message: 'Cannot compare noise as there must be 1 to 5 kinds of step: current value is 0',
    });
  });
});

describe('kl()', () => {
  it('draws what divergences a log has, and counts steps beyond the limit', () => {
    const log = [1, 2, 3].map((step) => ({ step, approxKl: step * 1e-3, 'actor/kl_loss': 1e-4 }));
    const { text } = kl(log, { limit: 1.5e-3 });
    assert.match(text, /from the rollout policy: 2 steps beyond 0\.0015, the first is step 2\./);
    assert.match(text, /from the reference/);
  });

  it('refuses a log without any', () => {
    assert.throws(
      () => kl([{ step: 1 }]),
      /^Error: Cannot draw KL divergences as rows must have one of approxKl, .*: current value is 1 row without$/,
    );
  });
});

describe('modelTree()', () => {
  it('adds up parameters, and the squares of gradients, over a path', () => {
    const ones = (count: number) => tensorOf([count], new Float32Array(count).fill(1));
    const parameters = { 'a.x': ones(9), 'a.y': ones(16), b: ones(4) };
    const { text } = modelTree(parameters, { gradients: { 'a.x': ones(9), 'a.y': ones(16) } });
    assert.match(
      text,
      /29 parameters in 3 tensors {2}· {2}116 bytes {2}· {2}length of the gradient 5/,
    );
    assert.match(text, /^a +25 {2}2 tensors {2}gradient 5$/m);
    assert.match(text, /^ {2}x +9 {2}\(9\) {2}gradient 3$/m);
    assert.match(text, /^b +4 {2}\(4\)$/m);
  });

  it('opens as many levels as fit, and all on request', () => {
    const lines = (text: string) => text.split('\n').length;
    assert.equal(lines(modelTree(parametersOf(60)).text), 4);
    assert.ok(lines(modelTree(parametersOf(60), { depth: 9 }).text) > 240);
  });

  it('counts values that are not finite', () => {
    const { text } = modelTree({ w: tensorOf([2], [NaN, 1]) });
    assert.match(text, /⚠ 1 value of weights or gradients are NaN or infinite\./);
  });

  it('refuses no parameters, and gradients of others', () => {
    assert.throws(() => modelTree({}), {
      message: 'Cannot draw a model as it must have parameters: current value is 0',
    });
    const w = tensorOf([1], [1]);
    assert.throws(() => modelTree({ w }, { gradients: { v: w } }), {
      message:
        'Cannot draw a model as every gradient must be of one of its parameters: current value is "v"',
    });
  });
});

describe('memory()', () => {
  it('names a leak: tensors that are more at each reading', () => {
    const readings = [1, 2, 3, 4, 5].map((at) => ({ at, processBytes: 1e9, tensors: 10 * at }));
    assert.match(memory(readings).text, /Tensors became more with every reading, by 40 in all/);
    assert.doesNotMatch(memory([...readings, readings[4]]).text, /became more/);
    const filling = readings.map(({ at, ...rest }) => ({
      at,
      ...rest,
      tensors: 100 * (1 - 0.6 ** at),
    }));
    assert.doesNotMatch(
      memory(filling).text,
      /became more/,
      'a cache that fills rises ever slower',
    );
  });

  it('reads the process, and the tensors of tf', () => {
    const before = readMemory(0, tf);
    const tensor = tf.zeros([1000]);
    const after = readMemory(1, tf);
    tensor.dispose();
    assert.equal(after.tensors! - before.tensors!, 1);
    assert.equal(after.tensorBytes! - before.tensorBytes!, 4000);
    assert.ok(after.processBytes > 1e7);
  });
});

describe('progress()', () => {
  it('says how far, how long, and how long it will go on; and how it ended', () => {
    assert.match(
      progress({ done: 3, total: 4, seconds: 30 }, { unit: 'picture' }).text,
      /picture 3 of 4 .* 75 % {2}· {2}30 s {2}· {2}about 10 s left$/,
    );
    assert.match(
      progress({ done: 4, total: 4 }, { state: 'finished' }).text,
      / 100 % {2}· {2}finished$/,
    );
  });

  it('refuses nothing to do', () => {
    assert.throws(() => progress({ done: 0, total: 0 }), {
      message: 'Cannot draw progress as total must be above 0: current value is 0',
    });
  });
});

import assert from 'node:assert/strict';
import * as extensions from '@flowbook/kernel-extensions';
import { samples, schedule } from './samples';

const { comparePictures, curves, memory, noiseComparison, rewardCurve, sigmas } = extensions;

/** What code without types may give in the place of a display's data. */
const wrong = {
  nothing: undefined,
  null: null,
  'a number': 3,
  'a text': 'reward',
  'an empty list': [],
  'an empty record': {},
  'a list of numbers': [0.5, 1],
  'a list of null': [null],
  'a list of lists': [[{ step: 1, reward: 0.5 }]],
  'a list of records': [{ loss: 0.5 }],
  'a record of numbers': { reward: 0.5 },
  'a record of null': { a: null, log: null, all_latents: null },
  'a record of lists': { a: [1, 2], b: [null], log: [3], pictures: [1] },
  'a map': new Map([['a', 1]]),
};

type Display = (value: never) => extensions.Drawing;

const names = new Set(Object.keys(samples).map((sample) => sample.split(/[ ,]/)[0]));
const displays: Record<string, Display> = {
  ...Object.fromEntries([...names].map((name) => [name, extensions[name as never] as Display])),
  comparePictures: (runs) => comparePictures(runs, { prompts: ['a'] }),
  noiseComparison: (kinds) => noiseComparison(schedule, kinds),
  'noiseComparison of a schedule': (one) => noiseComparison(one, { sde: null as never }),
};

describe('displays of what is no data of theirs', () => {
  for (const [name, draw] of Object.entries(displays)) {
    it(`${name}() draws it, or says what it must be and what it is`, () => {
      for (const [what, value] of Object.entries(wrong)) {
        try {
          draw(value as never);
        } catch (error) {
          const { message } = error as Error;
          assert.match(message, /^Cannot .+ as .+: current value is .+$/, `${what}: ${message}`);
        }
      }
    });
  }

  it('names the rule and the value', () => {
    const log = [{ step: 1, reward: 0.5 }];
    assert.throws(() => curves([log] as never), {
      message:
        'Cannot draw curves as there must be runs by name: current value is [ [ { step: 1, reward: 0.5 } ] ]',
    });
    assert.throws(() => curves({ a: log[0] } as never), {
      message:
        'Cannot draw curves as there must be a list of rows { step, ... }: current value is { step: 1, reward: 0.5 }',
    });
    assert.throws(() => rewardCurve([...log, [2, 0.5]] as never), {
      message:
        'Cannot draw rewards as item 1 must be one of rows { step, ... }: current value is [ 2, 0.5 ]',
    });
    assert.throws(() => sigmas({ sigmaValues: [1, 0], timestepValues: 1 } as never), {
      message: 'Cannot draw a schedule as timestepValues must be numbers: current value is 1',
    });
    assert.throws(
      () => memory('x'.repeat(500) as never),
      ({ message }: Error) => message.length < 200,
    );
  });
});

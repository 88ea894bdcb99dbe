import assert from 'node:assert/strict';
import {
  describeConfiguration,
  describeSettings,
} from '../../../../sdk/src/training/run/describe-settings';

class Pool {
  secret = 'made-up';
}

function brightness() {}

describe('describeSettings()', () => {
  it('gives functions, models and workers by name, and prompts by their number', () => {
    const settings = {
      prompts: ['a', 'b'],
      reward: brightness,
      teacher: null,
      rolloutWorkers: new Pool(),
      evaluation: { prompts: ['c'], everySteps: 2 },
      ema: undefined,
    };
    assert.deepEqual(describeSettings(settings), {
      prompts: 2,
      reward: 'brightness',
      teacher: null,
      rolloutWorkers: 'Pool',
      evaluation: { prompts: 1, everySteps: 2 },
    });
    assert.deepEqual(describeSettings({ evaluation: null }), { evaluation: null });
  });

  it('takes rewards by the names of settings for what they are', () => {
    const terms = { evaluation: 'redness', teacher: { reward: brightness }, rolloutWorkers: 'x' };
    const settings = { prompts: [], reward: terms, monitors: terms };
    assert.deepEqual(describeSettings(settings), {
      prompts: 0,
      reward: { ...terms, teacher: { reward: 'brightness' } },
      monitors: { ...terms, teacher: { reward: 'brightness' } },
    });
  });

  it('leaves out the query of a server, which may hold a key, and so does describeConfiguration()', () => {
    const asked = (query: string) => ({
      one: { url: `http://127.0.0.1:1/score${query}`, weight: 2 },
      two: { url: [`https://judge.example/a${query}`, `https://judge.example/b${query}`] },
      verl: { server_url: `http://judge.example/c${query}` },
      url: 'redness',
    });
    const settings = { prompts: [], reward: asked('?key=made-up') };
    assert.deepEqual(describeSettings(settings), { prompts: 0, reward: asked('') });
    assert.deepEqual(describeConfiguration({ reward: asked('?key=made-up') }), {
      reward: asked(''),
    });
    assert.equal(describeConfiguration(null), null);
  });
});

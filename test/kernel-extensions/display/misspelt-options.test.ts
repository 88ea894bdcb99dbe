import assert from 'node:assert/strict';
import * as kit from '../../../kernel-extensions/src';

const none = undefined as never;

/** What draws or shows, called with an option that is misspelt, and what it was meant to be. */
const CALLS: [action: string, wrong: string, right: string, call: (wrong: object) => unknown][] = [
  ['draw advantages', 'clips', 'clip', (o) => kit.advantages([1], o)],
  ['draw attention', 'samples', 'sample', (o) => kit.attentionMaps(none, o)],
  ['compare pictures', 'prompt', 'prompts', (o) => kit.comparePictures(none, o as never)],
  ['draw curves', 'fields', 'field', (o) => kit.curves({}, o)],
  ['draw a filmstrip', 'caption', 'captions', (o) => kit.filmstrip([], o)],
  ['draw images', 'caption', 'captions', (o) => kit.images([], o)],
  ['draw KL divergences', 'limits', 'limit', (o) => kit.kl([], o)],
  ['draw latents', 'channel', 'channels', (o) => kit.latents(none, o)],
  ['draw memory', 'limitByte', 'limitBytes', (o) => kit.memory([], o)],
  ['draw metrics', 'field', 'fields', (o) => kit.metrics([], o)],
  ['draw a model', 'depths', 'depth', (o) => kit.modelTree(none, o)],
  ['compare noise', 'noiselevel', 'noiseLevel', (o) => kit.noiseComparison(none, none, o)],
  ['draw pictures over a run', 'column', 'columns', (o) => kit.pictureTimeline([], o)],
  ['draw progress', 'units', 'unit', (o) => kit.progress(none, o)],
  ['draw ratios', 'clipRatio', 'clipRange', (o) => kit.ratios([1], o)],
  ['draw a reward curve', 'smooth', 'smoothing', (o) => kit.rewardCurve([], o)],
  ['draw a schedule', 'windows', 'window', (o) => kit.sigmas(none, o)],
  ['draw a tensor', 'names', 'name', (o) => kit.tensor(none, o)],
  ['draw a training', 'states', 'state', (o) => kit.training(none, o)],
  ['display', 'displayID', 'displayId', (o) => kit.display('a', o)],
  ['display', 'names', 'name', (o) => kit.updateDisplay('a', 'b', o)],
  ['display', 'interval', 'intervalMs', (o) => kit.liveDisplay('a', o)],
  ['clear the output', 'waits', 'wait', (o) => kit.clearOutput(o)],
  ['show a training', 'titel', 'title', (o) => kit.trainingDisplay(o)],
  ['show progress', 'units', 'unit', (o) => kit.progressBar({ total: 1, ...o })],
  ['attach to a run', 'poll', 'pollMs', (o) => kit.attach('nowhere', o)],
  ['start workers on Ray', 'counts', 'count', (o) => new kit.RayWorkers({ address: 'a:1', ...o })],
];

describe('a misspelt option is refused, and the nearest one named, by what would', () => {
  for (const [action, wrong, right, call] of CALLS) {
    it(`${action}: ${wrong}`, async () => {
      await assert.rejects(async () => call({ [wrong]: 1 }), {
        message: `Cannot ${action} as there is no option "${wrong}": the nearest is "${right}"`,
      });
    });
  }
});

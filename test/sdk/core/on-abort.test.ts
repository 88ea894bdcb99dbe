import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { onAbort } from '../../../sdk/src/core/on-abort';

describe('onAbort()', () => {
  it('calls all that wait, and nobody who stopped waiting', () => {
    const controller = new AbortController();
    const called: string[] = [];
    const act = () => void called.push('again');
    onAbort(controller.signal, () => void called.push('first'));
    onAbort(controller.signal, act);
    onAbort(controller.signal, act)();
    const stop = onAbort(controller.signal, () => void called.push('stopped'));
    stop();
    stop();
    controller.abort();
    assert.deepEqual(called, ['first', 'again']);
  });

  it('listens once to a signal, and no longer than somebody waits', () => {
    const { signal } = new AbortController();
    const stops = Array.from({ length: 30 }, () => onAbort(signal, () => {}));
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    stops.forEach((stop) => stop());
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    onAbort(signal, () => {})();
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('waits for nothing without a signal', () => {
    onAbort(null, () => assert.fail())();
  });
});

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

  it('calls who waits after all others have stopped, however often those say so', () => {
    const controller = new AbortController();
    const called: string[] = [];
    const stop = onAbort(controller.signal, () => assert.fail());
    stop();
    onAbort(controller.signal, () => void called.push('second'));
    stop();
    onAbort(controller.signal, () => void called.push('third'));
    assert.equal(getEventListeners(controller.signal, 'abort').length, 1);
    controller.abort();
    assert.deepEqual(called, ['second', 'third']);
  });

  it('waits for nothing without a signal', () => {
    onAbort(null, () => assert.fail())();
  });
});

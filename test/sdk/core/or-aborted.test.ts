import assert from 'node:assert/strict';
import { orAborted } from '../../../sdk/src/core/or-aborted';

describe('orAborted()', () => {
  const never = new Promise<never>(() => {});

  it('gives what the promise gives, with a signal and without', async () => {
    assert.equal(await orAborted(Promise.resolve(3), null), 3);
    assert.equal(await orAborted(Promise.resolve(3), new AbortController().signal), 3);
    const failed = Promise.reject(new Error('no'));
    await assert.rejects(orAborted(failed, null), { message: 'no' });
  });

  it("throws the signal's reason, before and while it waits", async () => {
    const controller = new AbortController();
    const waiting = orAborted(never, controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, { message: 'enough' });
    await assert.rejects(orAborted(never, controller.signal), { message: 'enough' });
  });
});

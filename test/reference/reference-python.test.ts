import assert from 'node:assert/strict';
import { referencePython } from './reference-python';

describe('referencePython()', function () {
  this.timeout(120_000);

  it('has the pinned peers', async () => {
    const python = await referencePython();
    assert.deepEqual(await python.call('versions.installed'), {
      torch: '2.13.0+cpu',
      diffusers: '0.42.1',
      transformers: '5.23.0',
      peft: '0.21.2',
    });
  });

  it('rejects with the traceback of what failed, and goes on', async () => {
    const python = await referencePython();
    await assert.rejects(python.call('versions.refuse', { value: 3 }), /ValueError: refused 3/);
    await python.call('versions.installed');
  });
});

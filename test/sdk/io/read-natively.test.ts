import assert from 'node:assert/strict';
import { readsNatively } from '../../../sdk/src/io/read-natively';
import { backendInfo } from '../../../sdk/src/tensorflow';

describe('readsNatively()', () => {
  it('is so of floats where TensorFlow is native, and of no other type', () => {
    const isNative = backendInfo().nativeVersion !== null;
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      assert.equal(readsNatively(dtype), isNative, dtype);
    }
    for (const dtype of ['I64', 'BOOL', 'U8'] as const)
      assert.equal(readsNatively(dtype), false, dtype);
  });
});

import assert from 'node:assert/strict';
import { bfloat16Obstacle, hasBfloat16Products } from './bfloat16';

describe('bfloat16 on a processor', () => {
  it('hasBfloat16Products() reads the flags that Linux lists', () => {
    assert.equal(hasBfloat16Products('model name\t: X\nflags\t\t: fpu avx2 avx512f\n'), false);
    assert.equal(hasBfloat16Products('flags\t\t: fpu avx512_bf16 avx2\n'), true);
    assert.equal(hasBfloat16Products('flags\t\t: fpu amx_bf16\n'), true);
    assert.equal(hasBfloat16Products('Features\t: fp asimd bf16\n'), true);
    assert.equal(hasBfloat16Products(''), false);
  });

  it('bfloat16Obstacle() never lets float32 be compared with bfloat16', () => {
    assert.equal(bfloat16Obstacle(false), 'this processor has no bfloat16 products');
    assert.match(bfloat16Obstacle(true), /^Flowbook computes in float32/);
  });
});

import assert from 'node:assert/strict';
import { flagsLine, processorFlags } from '../../../sdk/src/core/processor-flags';

const CPUINFO = 'processor\t: 0\nflags\t\t: fpu  avx2 avx512f \nbugs\t\t: none\n';

describe('processorFlags()', () => {
  it('takes them apart, however they are spaced', () => {
    assert.deepEqual([...processorFlags(CPUINFO)], ['fpu', 'avx2', 'avx512f']);
    assert.equal(flagsLine(CPUINFO), 'flags\t\t: fpu  avx2 avx512f ');
  });

  it('has none where the processor lists none', () => {
    assert.deepEqual([...processorFlags('processor\t: 0\n')], []);
    assert.deepEqual([...processorFlags('flags\t:\n')], []);
  });
});

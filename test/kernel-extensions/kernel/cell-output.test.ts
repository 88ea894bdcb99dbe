import assert from 'node:assert/strict';
import { toBundle } from '@flowbook/kernel-extensions';
import { CellOutputs } from '../../../kernel-extensions/src/kernel/engine/cell-output';
import type { CellOutput } from '../../../kernel-extensions/src/kernel/protocol/outputs';

describe('CellOutputs', () => {
  const sent: Record<string, unknown>[] = [];
  const outputs = new CellOutputs((_, output) => 'data' in output && sent.push(output.data), {
    take: (_, text) => ({ text, notice: null }),
  });
  const publish = (data: Record<string, unknown>): unknown => {
    const output: CellOutput = { output_type: 'display_data', data, metadata: {}, transient: {} };
    outputs.publish(1, output);
    return sent.at(-1)!['application/json'];
  };

  it('publish() takes what toBundle() has copied as it is, and copies anything else', async () => {
    const given = { loss: [0.5] };
    const { data } = await toBundle({ 'application/json': given });
    assert.equal(publish(data), data['application/json']);
    assert.notEqual(data['application/json'], given);
    const published = publish({ 'application/json': given });
    assert.deepEqual(published, given);
    assert.notEqual(published, given);
    assert.throws(() => publish({ ...data, 'a/b': 1n }), {
      message: 'Cannot show a/b as JSON must be able to hold it: current value is 1n',
    });
  });

  it('shows a bundle as it was when it was given to toBundle(), also one that toBundle() made', async () => {
    const given = { loss: [0.5] };
    const first = toBundle({ 'application/json': given });
    given.loss.push(0.25);
    const { data } = await first;
    const second = toBundle(data);
    (data['application/json'] as typeof given).loss.push(0.125);
    assert.deepEqual(publish((await second).data), { loss: [0.5] });
  });
});

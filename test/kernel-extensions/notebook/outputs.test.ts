import assert from 'node:assert/strict';
import { type Cell, OutputFolding, outputOfMessage } from '@flowbook/kernel-extensions';

function codeCell(id: string): Cell {
  return { id, cell_type: 'code', metadata: {}, source: '' };
}

const print = (text: string, name: 'stdout' | 'stderr' = 'stdout') => ({
  output_type: 'stream' as const,
  name,
  text,
});

describe('OutputFolding', () => {
  it('add() joins neighbouring texts of one stream only', () => {
    const cell = codeCell('a');
    const folding = new OutputFolding();
    for (const output of [print('1'), print('2'), print('e', 'stderr'), print('3')])
      folding.add(cell, output);
    assert.deepEqual(cell.outputs, [print('12'), print('e', 'stderr'), print('3')]);
  });

  it('add() puts an update into every display of its id, also in earlier cells, and adds nothing', () => {
    const [first, second] = [codeCell('a'), codeCell('b')];
    const folding = new OutputFolding();
    const show = (text: string) => ({
      data: { 'text/plain': text },
      metadata: {},
      transient: { display_id: 'd' },
    });
    folding.add(first, { output_type: 'display_data', ...show('old') });
    folding.add(second, { output_type: 'display_data', ...show('old') });
    folding.add(second, { output_type: 'update_display_data', ...show('new') });
    const stored = { output_type: 'display_data', data: { 'text/plain': 'new' }, metadata: {} };
    assert.deepEqual(first.outputs, [stored]);
    assert.deepEqual(second.outputs, [stored]);
  });

  it('add() drops an update of a display that nobody showed', () => {
    const cell = codeCell('a');
    const update = {
      output_type: 'update_display_data' as const,
      data: {},
      transient: { display_id: 'x' },
    };
    new OutputFolding().add(cell, update);
    assert.equal(cell.outputs, undefined);
  });

  it('add() clears at once, or with `wait` before the next output', () => {
    const cell = codeCell('a');
    const folding = new OutputFolding();
    folding.add(cell, print('1'));
    folding.add(cell, { output_type: 'clear_output', wait: true });
    assert.deepEqual(cell.outputs, [print('1')]);
    folding.add(cell, print('2'));
    assert.deepEqual(cell.outputs, [print('2')]);
    folding.add(cell, { output_type: 'clear_output' });
    assert.deepEqual(cell.outputs, []);
  });

  it('outputOfMessage() reads the messages that carry outputs and no others', () => {
    const content = { name: 'stdout', text: 'x' };
    assert.deepEqual(outputOfMessage({ header: { msg_type: 'stream' }, content }), print('x'));
    assert.equal(outputOfMessage({ header: { msg_type: 'status' }, content: {} }), undefined);
  });
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import {
  formatNotebook,
  parseNotebook,
  readNotebook,
  writeNotebook,
} from '@flowbook/kernel-extensions';
import { notebookOf, Workspace } from '../notebook-of';

const stored = {
  cells: [
    {
      cell_type: 'code',
      execution_count: 2,
      id: 'a',
      metadata: { tags: ['parameters'] },
      outputs: [
        { name: 'stdout', output_type: 'stream', text: ['one\n', 'two'] },
        {
          data: {
            'application/vnd.vegalite.v5+json': { mark: 'line' },
            'image/png': 'aGk=',
            'text/plain': ['x'],
          },
          metadata: {},
          output_type: 'display_data',
        },
        {
          data: { 'text/plain': ['3'] },
          execution_count: 2,
          metadata: {},
          output_type: 'execute_result',
        },
        { ename: 'Error', evalue: 'boom', output_type: 'error', traceback: ['Error: boom'] },
      ],
      source: ['const a = 1;\n', 'a + 2'],
    },
    {
      attachments: { 'p.png': { 'image/png': 'aGk=' } },
      cell_type: 'markdown',
      id: 'b',
      metadata: {},
      source: ['# Title'],
    },
    { cell_type: 'raw', id: 'c', metadata: {}, source: [] },
  ],
  metadata: { kernelspec: { display_name: 'Flowbook', language: 'typescript', name: 'flowbook' } },
  nbformat: 4,
  nbformat_minor: 5,
};

describe('notebook file', () => {
  it('formatNotebook() gives back the bytes that Jupyter wrote', () => {
    const text = `${JSON.stringify(stored, null, 1)}\n`;
    assert.equal(formatNotebook(parseNotebook(text)), text);
  });

  it('parseNotebook() joins lists of lines and keeps text as it is', () => {
    const [cell] = parseNotebook(JSON.stringify(stored)).cells;
    assert.equal(cell.source, 'const a = 1;\na + 2');
    assert.deepEqual(cell.outputs?.[0], {
      output_type: 'stream',
      name: 'stdout',
      text: 'one\ntwo',
    });
  });

  it('parseNotebook() gives cells without ids none that another has', () => {
    const cell = { cell_type: 'raw', metadata: {}, source: '' };
    const cells = [{ ...cell, id: 'cell-2' }, cell, cell];
    const { cells: read } = parseNotebook(JSON.stringify({ nbformat: 4, cells }));
    assert.deepEqual(
      read.map(({ id }) => id),
      ['cell-2', 'cell-2_', 'cell-3'],
    );
  });

  it('parseNotebook() gives cells without ids ids by their place, and lines one kind of end', () => {
    const cells = [{ cell_type: 'code', metadata: {}, source: 'a\r\nb', outputs: [] }];
    const [cell] = parseNotebook(
      JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 2 }),
    ).cells;
    assert.equal(cell.id, 'cell-1');
    assert.equal(cell.source, 'a\nb');
  });

  const wrong: [string, unknown, string][] = [
    ['text that is not JSON', undefined, 'Cannot read n.ipynb as it must be JSON: '],
    [
      'nbformat 3',
      { nbformat: 3 },
      'Cannot read n.ipynb as nbformat must be 4: current value is 3',
    ],
    [
      'missing cells',
      { nbformat: 4 },
      'Cannot read n.ipynb as "cells" must be a list: current value is undefined',
    ],
    [
      'a cell of an unknown type',
      { nbformat: 4, cells: [{ id: 'a', cell_type: 'heading', source: '' }] },
      'Cannot read n.ipynb as cell 1: its cell_type must be code, markdown or raw: current value is "heading"',
    ],
    [
      'ids that occur twice',
      { nbformat: 4, cells: [stored.cells[2], stored.cells[2]] },
      'Cannot read n.ipynb as cell 2: ids must differ: current value is "c"',
    ],
    [
      'a source of numbers',
      { nbformat: 4, cells: [{ id: 'a', cell_type: 'raw', source: [1] }] },
      'Cannot read n.ipynb as cell 1: its source must be text or a list of lines: current value is [1]',
    ],
  ];
  for (const [what, json, message] of wrong) {
    it(`parseNotebook() refuses ${what}`, () => {
      const text = json === undefined ? '{' : JSON.stringify(json);
      assert.throws(
        () => parseNotebook(text, 'n.ipynb'),
        (error: Error) => error.message.startsWith(message),
      );
    });
  }

  it('readNotebook() names a file that is missing', () => {
    assert.throws(
      () => readNotebook('/none.ipynb'),
      /^NotebookFormatError: Cannot read \/none\.ipynb: ENOENT/,
    );
  });

  it('writeNotebook() leaves one file, which readNotebook() reads back', () => {
    const workspace = new Workspace();
    try {
      const notebook = notebookOf([{ id: 'a', source: 'ünï 🎉\n' }]);
      writeNotebook(workspace.path('n.ipynb'), notebook);
      writeNotebook(workspace.path('n.ipynb'), notebook);
      assert.deepEqual(readdirSync(workspace.folder), ['n.ipynb']);
      assert.equal(readNotebook(workspace.path('n.ipynb')).cells[0].source, 'ünï 🎉\n');
      assert.match(readFileSync(workspace.path('n.ipynb'), 'utf8'), /ünï 🎉/);
    } finally {
      workspace.remove();
    }
  });
});

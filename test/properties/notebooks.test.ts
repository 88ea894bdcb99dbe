import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  formatNotebook,
  parseNotebook,
  type Cell,
  type Notebook,
} from '@flowbook/kernel-extensions';
import { damaged, deepJson, tampered } from './awkward';
import { holds, outcomeOf } from './property';

const json = fc.dictionary(
  fc.constantFrom('tags', 'a', '__proto__', 'name'),
  fc.jsonValue({ maxDepth: 2 }),
  {
    maxKeys: 2,
    noNullPrototype: true,
  },
);
const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .map((line) => line.replace(/\r/g, '\n'));
const outputs = fc.oneof(
  fc.record({
    output_type: fc.constant('stream' as const),
    name: fc.constantFrom('stdout' as const, 'stderr' as const),
    text,
  }),
  fc.record({
    output_type: fc.constant('display_data' as const),
    data: fc.record(
      { 'text/plain': text, 'image/png': fc.base64String(), 'application/json': fc.jsonValue() },
      { requiredKeys: [] },
    ),
    metadata: json,
  }),
  fc.record({
    output_type: fc.constant('execute_result' as const),
    data: fc.record({ 'text/plain': text }),
    metadata: json,
    execution_count: fc.option(fc.nat(9)),
  }),
  fc.record({
    output_type: fc.constant('error' as const),
    ename: text,
    evalue: text,
    traceback: fc.array(text, { maxLength: 2 }),
  }),
);

/** Notebooks as they are in memory. */
const notebooks: fc.Arbitrary<Notebook> = fc.record({
  metadata: json,
  cells: fc.uniqueArray(
    fc
      .record({
        id: fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/),
        cell_type: fc.constantFrom('code' as const, 'markdown' as const, 'raw' as const),
        metadata: json,
        source: text,
        execution_count: fc.option(fc.nat(9)),
        outputs: fc.array(outputs, { maxLength: 2 }),
      })
      .map(({ outputs, execution_count, ...cell }): Cell =>
        cell.cell_type === 'code' ? { ...cell, execution_count, outputs } : cell,
      ),
    { maxLength: 3, selector: ({ id }) => id },
  ),
});

/** What JSON makes of a value. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('notebook files', () => {
  holds('parseNotebook() gives back what formatNotebook() was given', notebooks, (notebook) => {
    assert.deepEqual(plain(parseNotebook(formatNotebook(notebook))), plain(notebook));
  });

  /** A clear error, or a notebook that survives being written and read again. */
  const readsOrRefuses = (file: string) => {
    const outcome = outcomeOf(() => parseNotebook(file));
    if ('error' in outcome) return;
    const again = parseNotebook(formatNotebook(outcome.value));
    assert.deepEqual(plain(again), plain(outcome.value));
  };

  holds(
    'a notebook with wrong members is refused in words, or read so that it can be written',
    tampered(notebooks.map((notebook) => JSON.parse(formatNotebook(notebook)) as object)),
    (file) => readsOrRefuses(JSON.stringify(file)),
  );

  holds(
    'a damaged notebook is refused in words, or read so that it can be written',
    damaged(notebooks.map((notebook) => Buffer.from(formatNotebook(notebook)))),
    (bytes) => readsOrRefuses(Buffer.from(bytes).toString()),
  );

  holds('a deeply nested notebook is refused in words, or read', deepJson, (nested) => {
    outcomeOf(() => parseNotebook(nested));
    outcomeOf(() => parseNotebook(`{"nbformat":4,"cells":[${nested}]}`));
    readsOrRefuses(`{"nbformat":4,"cells":[],"metadata":{"x":${nested}}}`);
  });
});

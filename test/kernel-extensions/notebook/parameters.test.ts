import assert from 'node:assert/strict';
import { injectParameters } from '../../../kernel-extensions/src/notebook/inject-parameters';
import { parseCells } from '../../../kernel-extensions/src/notebook/cell-syntax';
import {
  describeRule,
  parameterFrom,
  parseParameter,
} from '../../../kernel-extensions/src/notebook/parameter-value';
import { readParameters } from '../../../kernel-extensions/src/notebook/parameters';
import { notebookOf } from '../notebook-of';

function read(...lines: string[]) {
  const notebook = notebookOf([{ id: 'p', tags: ['parameters'], source: lines.join('\n') }]);
  return readParameters(parseCells(notebook, notebook.cells, 'export').cells[0]);
}

describe('readParameters()', () => {
  const rules: [string, object | undefined][] = [
    ['const a: number = 40', { kind: 'number' }],
    ['let a = -1e-3', { kind: 'number' }],
    ['const a = 60 * 1000', { kind: 'number' }],
    ["const a = 'x'", { kind: 'string' }],
    ['const a: boolean = false', { kind: 'boolean' }],
    ["const a: 'sde' | 'cps' = 'sde'", { kind: 'choice', choices: ['sde', 'cps'] }],
    ['const a: 1 | -2 | null = 1', { kind: 'choice', choices: [1, -2, null] }],
    ["const a = 'b' as 'b' | 'c'", { kind: 'choice', choices: ['b', 'c'] }],
    ['const a: number[] = []', { kind: 'number[]' }],
    ['const a = [1, 2]', { kind: 'number[]' }],
    ['const a: readonly string[] = ["x"]', { kind: 'string[]' }],
    ['const a: Array<number> = [1]', { kind: 'number[]' }],
    ['const a: [from: number, to: number] = [0, 5]', { kind: 'number[]', length: 2 }],
    ['const a: string | null = null', { kind: 'string', nullable: true }],
    ['type Mode = "x" | "y"\nconst a: Mode = "x"', { kind: 'choice', choices: ['x', 'y'] }],
    ['const a: { b: number } = { b: 1 }', undefined],
    ['const a = Math.sqrt(2)', undefined],
    ['const a = b', undefined],
    ['const a: Mode = "x"', undefined],
    ['const a = [1, "x"]', undefined],
    ['const { a } = { a: 1 }', undefined],
  ];
  for (const [source, rule] of rules) {
    it(`takes \`${source.replaceAll('\n', '; ')}\` for ${rule ? JSON.stringify(rule) : 'code'}`, () => {
      const { parameters, others } = read(source);
      const [parameter] = parameters;
      assert.deepEqual(parameter && JSON.parse(JSON.stringify(parameter.rule)), rule);
      assert.equal(others.length, rule ? 0 : 1);
    });
  }

  it('takes the comment after a declaration, else the lines right above, for its help', () => {
    const { parameters } = read(
      '// Settings',
      '',
      '// above a',
      'const a = 1',
      '/** above b,',
      ' * two lines */',
      'const b = 2; // after b',
      'const c = 3; // after c',
      '/** two',
      ' * lines */',
      'const d = 4',
      'const e = 5, // after e',
      '  f = 6; /* after f */',
    );
    assert.deepEqual(
      parameters.map(({ help }) => help),
      ['above a', 'after b', 'after c', 'two lines', 'after e', 'after f'],
    );
  });
});

describe('parseParameter()', () => {
  it('reads numbers, lists, choices, switches and null', () => {
    assert.equal(parseParameter({ kind: 'number' }, '-1e-4'), -1e-4);
    assert.equal(parseParameter({ kind: 'number' }, '-Infinity'), -Infinity);
    assert.deepEqual(parseParameter({ kind: 'number[]' }, '[1e-4, 3]'), [1e-4, 3]);
    assert.deepEqual(parseParameter({ kind: 'number[]' }, ''), []);
    assert.deepEqual(parseParameter({ kind: 'string[]' }, 'a, b'), ['a', 'b']);
    assert.deepEqual(parseParameter({ kind: 'string[]' }, '["a, b", "\\"c\\""]'), ['a, b', '"c"']);
    assert.equal(parseParameter({ kind: 'choice', choices: [1, 'x'] }, '1'), 1);
    assert.equal(parseParameter({ kind: 'boolean' }, 'true'), true);
    assert.equal(parseParameter({ kind: 'number', nullable: true }, 'null'), null);
    assert.equal(parseParameter({ kind: 'string' }, 'null'), 'null');
  });

  it('names the rule that a text breaks', () => {
    assert.throws(() => parseParameter({ kind: 'number' }, ''), /^Error: a number$/);
    assert.throws(() => parseParameter({ kind: 'boolean' }, 'yes'), /^Error: true or false$/);
    assert.throws(
      () => parseParameter({ kind: 'choice', choices: ['a', 2] }, 'b'),
      /^Error: one of "a", 2$/,
    );
    assert.throws(() => parseParameter({ kind: 'number[]', length: 2 }, '1'), /^Error: 2 numbers/);
    const texts = /^Error: texts, as in a,b or \["a","b"\]$/;
    assert.throws(() => parseParameter({ kind: 'string[]' }, '["a", b]'), texts);
    assert.throws(() => parameterFrom({ kind: 'string[]' }, ['a', 5]), texts);
    assert.throws(() => parameterFrom({ kind: 'number' }, NaN), /^Error: a number$/);
    assert.throws(() => parameterFrom({ kind: 'number[]' }, [1, NaN]), /^Error: numbers$/);
  });

  it('describeRule() says what a value may be', () => {
    assert.equal(describeRule({ kind: 'choice', choices: ['a', null] }), 'a|null');
    assert.equal(describeRule({ kind: 'number[]', length: 2 }), 'number,number');
    assert.equal(describeRule({ kind: 'string', nullable: true }), 'string|null');
  });
});

describe('injectParameters()', () => {
  const source =
    "const steps: number = 40; // iterations\nlet mode: 'a' | 'b' = 'a';\nconst list = [1, 2];\nconst text = 'x' as string";
  const notebook = () =>
    notebookOf([
      { id: 'p', tags: ['parameters'], source },
      { id: 'q', source: 'steps' },
    ]);

  it('replaces values and leaves names, types and comments', () => {
    const one = notebook();
    const given = { steps: '2', mode: 'b', list: '3,-0', text: 'it\'s "b"\n' };
    injectParameters(one, new Map(Object.entries(given)));
    assert.equal(
      one.cells[0].source,
      "const steps: number = 2; // iterations\nlet mode: 'a' | 'b' = 'b';\nconst list = [3, -0];\nconst text = 'it\\'s \"b\"\\n' as string",
    );
  });

  it('names the parameters that there are when one is unknown', () => {
    assert.throws(
      () => injectParameters(notebook(), new Map([['stepz', '2']])),
      /^ParameterError: Cannot set "stepz" as the notebook's parameters are: steps, mode, list, text$/,
    );
  });

  it('refuses a value of another type', () => {
    assert.throws(
      () => injectParameters(notebook(), new Map([['mode', 'c']])),
      /^ParameterError: Cannot set "mode" as it must be one of "a", "b": current value is c$/,
    );
  });

  it('refuses parameters for a notebook that has no cell for them', () => {
    assert.throws(
      () => injectParameters(notebookOf([{ id: 'a', source: '' }]), new Map([['x', '1']])),
      /^ParameterError: Cannot set "x" as no cell of the notebook is tagged "parameters"$/,
    );
  });
});

import type { Program, ProgramCell } from './program';

const cell = (source: string): ProgramCell => ({ source, expected: [] });

/** Ways to change a variable of another cell; each leaves `2` in it. */
const CHANGES: Record<string, string> = {
  assignment: 'v = 2;',
  addition: 'v += 1;',
  increment: 'v++;',
  'prefix increment': '++v;',
  'array destructuring': '[v] = [2];',
  'object destructuring': '({ v } = { v: 2 });',
  'renamed destructuring': '({ w: v } = { w: 2 });',
  'destructuring with a default': '({ v = 2 } = {} as { v?: number });',
  'rest destructuring': 'let rest: number[]; [, ...rest] = [0, 2]; v = rest[0];',
  'a for-of loop': 'for (v of [1, 2]) {}',
  'a function': '(() => { v = 2 })();',
  'an async function': 'await (async () => { await null; v = 2 })();',
  'a generator': 'for (const _ of (function* () { v = 2; yield v })()) {}',
  'a class': 'new (class { constructor() { v = 2 } })();',
  'a getter': 'void ({ get x() { return (v = 2) } }).x;',
  'a default parameter': '((x = (v = 2)) => x)();',
};

const DECLARATIONS: Record<string, string> = {
  let: 'let v = 1;',
  var: 'var v = 1;',
  'let in a list': 'let u = 0, v = 1;',
  'let by destructuring': 'let { v } = { v: 1 };',
};

/** Every way to declare a variable with every way to change it in another cell, as closures of both cells see it. */
function liveBindings(): Program[] {
  return Object.entries(DECLARATIONS).flatMap(([declared, declaration]) =>
    Object.entries(CHANGES).map(([changed, change]) => ({
      name: `${declared}, changed by ${changed}`,
      cells: [
        `${declaration}\nconst read = () => v;`,
        `${change}\nconst readHere = () => v;`,
        'console.log(v, read(), readHere());',
      ].map(cell),
      files: {},
    })),
  );
}

/** Values that are awkward to keep from one cell to the next, and how they print. */
const VALUES: Record<string, string> = {
  undefined: 'undefined as undefined | number',
  'a symbol': "Symbol('s')",
  'a bigint': '12345678901234567890n',
  'a regular expression': '/a(?<b>c)/gi',
  'a date': 'new Date(0)',
  'an error': "new RangeError('r').message",
  'a typed array': 'new Float32Array([1.5, 2])',
  'an array buffer': 'new ArrayBuffer(2).byteLength',
  'a nested map': "new Map([['a', new Map([['b', [1, { c: 2 }]]])]])",
  'a function with properties': 'Object.assign(() => 1, { extra: true }).extra',
  'a promise': 'await Promise.resolve({ a: 1 })',
  'an object without prototype': 'Object.assign(Object.create(null), { a: 1 }) as { a: number }',
  'a frozen array': 'Object.freeze([1, 2])',
  'a class instance': "new (class Named { a = 'x' })()",
  'a getter': 'Object.keys({ get a() { return 1 }, b: 2 })',
  'a string with escapes': String.raw`'a\tb\u00e9\n' + "\"'"`,
  'a template with braces': '`{${[1, 2].map((x) => `<${x}>`).join()}}`',
  'an emoji': "'👩‍👩‍👧'.length",
  'negative zero': '[-0, NaN, Infinity]',
  'a sparse array': '[, 1]',
};

/** Every value from one cell to the next, as a constant, in an object and through a function. */
function keptValues(): Program[] {
  return Object.entries(VALUES).map(([name, value]) => ({
    name: `${name} is kept`,
    cells: [
      `const value = ${value};`,
      'const kept = { value }; const give = (v = value) => v;',
      'console.log(value, kept, give());',
    ].map(cell),
    files: {},
  }));
}

export function templatePrograms(): Program[] {
  return [...liveBindings(), ...keptValues()];
}

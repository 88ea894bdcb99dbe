/** Notebooks that are hard to turn into scripts, and what their cells print. */
export interface AwkwardNotebook {
  name: string;
  cells: { id: string; source: string; type?: 'markdown' | 'raw'; tags?: string[] }[];
  stdout: string[];
  /** False where the notebook's own output differs, as its tags say, or the kernel refuses it. */
  inKernel?: boolean;
  /** Files beside the notebook. */
  files?: Record<string, string>;
}

const code = (id: string, ...lines: string[]): AwkwardNotebook['cells'][0] => ({
  id,
  source: lines.join('\n'),
});
const text = (id: string, ...lines: string[]): AwkwardNotebook['cells'][0] => ({
  ...code(id, ...lines),
  type: 'markdown',
});

export const awkwardNotebooks: AwkwardNotebook[] = [
  {
    name: 'redeclared-values',
    cells: [
      code('a', 'const w = 1', 'let v = [w]', 'function f() { return w }', 'class P { x = w }'),
      code(
        'b',
        'const w = 2',
        'const w2 = 20',
        'const o = { w, v: 1 }',
        'console.log(w, w2, f(), o.w, o)',
      ),
      code('c', 'const { w, v: [first] } = { w: 3, v }', 'console.log(w, first, v)'),
      code('c2', 'const [v = 7] = [] as number[]', 'console.log(v)'),
      code(
        'd',
        'function f() { return -w }',
        'class P { y = w; static make(): P { return new P() } }',
        'console.log(f(), new P(), P.make().y)',
      ),
      code(
        'e',
        'for (const w of [8]) { const inner = { w }; console.log(w, inner) }',
        '{ let v = 9; v++; console.log(v) }',
        'console.log(((w: number) => w * 2)(5), w, v)',
      ),
      code(
        'f',
        'var w = 6;',
        '({ w } = { w: 61 });',
        '[w] = [w + 1];',
        'console.log(w, { w }.w, `${w}`, { w: w }, { ["w"]: 1 }.w)',
      ),
    ],
    stdout: [
      '2 20 1 2 { w: 2, v: 1 }',
      '3 1 [ 1 ]',
      '7',
      '-3 P { y: 3 } 3',
      '8 { w: 8 }',
      '10',
      '10 3 7',
      '62 62 62 { w: 62 } 1',
    ],
  },
  {
    name: 'redeclared-types',
    cells: [
      code(
        'a',
        'interface Shape { side: number }',
        'type Size = number',
        'enum Mode { A, B }',
        'const s: Shape = { side: 1 }',
        'const size: Size = 2',
      ),
      code(
        'b',
        'interface Shape { radius: number }',
        'type Size = string',
        'enum Mode { A = "a" }',
        'const t: Shape = { radius: 3 }',
        'const big: Size = "big"',
        'console.log(s.side, size, t.radius, big, Mode.A)',
      ),
      code(
        'c',
        'function area<Shape extends { n: number }>(shape: Shape): number { return shape.n }',
        'type Pair = [Shape, Size]',
        'const pair: Pair = [t, big]',
        'console.log(area({ n: 4 }), pair.length, typeof s)',
      ),
      code(
        'd',
        'interface Box { a: number }',
        'interface Box { b: number }',
        'const Box = { a: 1, b: 2 }',
        'const box: Box = Box',
        'console.log(box)',
      ),
      code('e', 'type Box = keyof typeof box', 'const key: Box = "a"', 'console.log(key)'),
      code(
        'f',
        'class Counter { static #made = 0; #n = 0; get n() { return this.#n } up() { this.#n += 1; Counter.#made++; return this } static get made() { return Counter.#made } }',
        'console.log(new Counter().up().up().n, Counter.made)',
      ),
    ],
    stdout: ['1 2 3 big a', '4 2 object', '{ a: 1, b: 2 }', 'a', '2 2'],
  },
  {
    name: 'imports',
    files: {
      'helper.ts':
        'export default function twice(x: number): number { return 2 * x }\nexport const one = 1;\nexport interface Named { name: string }\n',
      'data.json': '{ "rows": [1, 2, 3] }',
    },
    cells: [
      code(
        'a',
        "import path from 'node:path'",
        "import { basename } from 'node:path'",
        'console.log(path.posix.join("a", "b"), basename("x/y"))',
      ),
      code(
        'b',
        "import * as os from 'node:os';",
        "import { join, basename as base } from 'node:path';",
        "import type { ParsedPath } from 'node:path'",
        'const parsed: ParsedPath = path.parse("/q/r.txt");',
        'console.log(join("c", "d"), base("e/f"), parsed.name, typeof os.cpus)',
      ),
      code(
        'c',
        "import twice, { one, type Named } from './helper'",
        "import { basename } from 'node:path'",
        "import 'node:os'",
        'const named: Named = { name: basename("g/h") }',
        'console.log(twice(one), named)',
      ),
      code(
        'd',
        "import { one as uno, default as double } from './helper'",
        'const later = await import("./helper")',
        'console.log(uno, double(4), later.one)',
      ),
      code(
        'e',
        "import data from './data.json'",
        'const basename = (name: string) => name.toUpperCase()',
        'console.log(data.rows, basename("i"))',
        'const fs = require("node:fs")',
        'console.log(fs.readFileSync("data.json", "utf8").length)',
      ),
      code(
        'f',
        "import { performance } from 'node:perf_hooks'",
        'console.log(typeof performance.now())',
      ),
    ],
    stdout: [
      'a/b y',
      'c/d f r function',
      "2 { name: 'h' }",
      '1 8 1',
      '[ 1, 2, 3 ] I',
      '21',
      'number',
    ],
  },
  {
    name: 'imports-that-register',
    files: {
      'registry.ts': 'export const names: string[] = [];\n',
      'unused.ts':
        "import { names } from './registry';\nnames.push('unused');\nexport class Unused {}\n",
      'typed.ts':
        "import { names } from './registry';\nnames.push('typed');\nexport class Typed { x = 1 }\nexport interface Shape { x: number }\n",
      'shapes.ts':
        "import { names } from './registry';\nnames.push('shapes');\nexport interface Shape { x: number }\n",
      'kinds.ts':
        "import { names } from './registry';\nnames.push('kinds');\nexport const kind = 'a';\n",
      'base.ts':
        "import { names } from './registry';\nnames.push('base');\nexport class Base<T> { y?: T }\n",
      'types.ts':
        "import { names } from './registry';\nnames.push('types');\nexport type Kind = 'a';\n",
    },
    cells: [
      code(
        'a',
        "import { names } from './registry'",
        "import { Unused } from './unused'",
        "import { Typed, type Shape } from './typed'",
        "import * as shapes from './shapes'",
        "import { kind as a } from './kinds'",
        "import * as base from './base'",
        "import type { Kind } from './types'",
        'interface Square extends shapes.Shape { kind?: typeof a }',
        'class Own extends base.Base<shapes.Shape> implements Square { x = 3 }',
        "const typed: Typed | Shape = { x: 2 }, kind: Kind = 'a'",
        'console.log(names.join(), typed.x, kind, new Own().x)',
      ),
      code('b', "import * as yaml from 'npm:yaml@2'", 'console.log(yaml.parse("[1]"))'),
    ],
    stdout: ['unused,typed,shapes,kinds,base 2 a 3', '[ 1 ]'],
  },
  {
    name: 'resources',
    cells: [
      code(
        'a',
        "const open = (name: string) => ({ name, [Symbol.dispose]() { console.log('closes', name) }, async [Symbol.asyncDispose]() { console.log('ends', name) } })",
      ),
      code(
        'b',
        "using file = open('a'), other = open('b')",
        '// %% [not] a marker',
        'console.log(file.name, `',
        '  ${other.name}`)',
        'file.name',
      ),
      {
        ...code('c', "await using file = open('c')", 'const kept = file.name'),
        tags: ['checkpoint'],
      },
      code('d', "{ using file = open('d') }", 'console.log(kept)'),
      code('e', "import 'node:fs'", '{', "  using file = open('e')", '  var seen = file.name', '}'),
      code('f', '{', '  {', "    using file = open('f')", '  }', '}'),
      { ...code('g', '{', "  using file = open('g')", '}'), tags: ['checkpoint'] },
      code('h', '// It is closed.', '{', "  using file = open('h')", '}'),
      code('i', 'console.log(seen)'),
    ],
    stdout: [
      ...['a ', '  b', 'closes b', 'closes a', 'ends c', 'closes d', 'c'],
      ...['closes e', 'closes f', 'closes g', 'closes h', 'e'],
    ],
  },
  {
    name: 'redeclared-functions',
    cells: [
      code(
        'a',
        'function act() {}; let loss: number; declare let performance: object',
        'const arrow = () => 1, Box = class { x = 1 }',
      ),
      code(
        'b',
        'for (const n of [1, 2]) loss = n',
        'function act(n: number): number { return n }',
        'const arrow = (<T>(x: T): T => x)! satisfies object as <T>(x: T) => T, Box = class { y = 1 }',
        'console.log(act, arrow.name, act(1), arrow(2), [arrow], new Box())',
      ),
      code('c', 'const act = function (): void {}', 'const arrow = function own() {}'),
      code('d', 'console.log(act.name, arrow.name, loss, typeof performance)'),
    ],
    stdout: ['[Function: act] arrow 1 2 [ [Function: arrow] ] Box { y: 1 }', 'act own 2 object'],
  },
  {
    name: 'control-flow',
    cells: [
      code(
        'a',
        'let count = 0',
        'let done = false',
        'let best: string | null = null',
        'let mode: "sde" | "ode" = "sde"',
        'const log: number[] = []',
        'let later: number',
        'let anything: any',
        'const up = () => { count += 1; return count }',
      ),
      code(
        'b',
        'const rows = async function* () { for (const n of [1, 2, 3]) yield n }',
        'for await (const n of rows()) { log.push(n); up() }',
        '[1].forEach(() => { done = true; best = "x"; later = 5; anything = { deep: 1 }; log.push(9) })',
      ),
      code(
        'c',
        'outer: for (let i = 0; i < 3; i++) { for (;;) { if (i === 1) break outer; continue outer } }',
        'if (best !== null) console.log(best.length)',
        'console.log(count, done === true, log, later + 1, anything.deep, mode === "ode")',
      ),
      code(
        'd',
        'count = 10',
        'up()',
        'const total = await Promise.all([1, 2].map(async (n) => n * count))',
        'console.log(count, total)',
        'for (var i = 0; i < 2; i++) {}',
        'console.log(i)',
      ),
      code(
        'e',
        'for (var i = 5; i < 6; i++) console.log("var", i)',
        'try { throw new Error("caught") } catch ({ message }: any) { console.log(message) }',
        'switch (count) { case 11: { const count = "inner"; console.log(count) } }',
      ),
    ],
    stdout: [
      '1',
      '3 true [ 1, 2, 3, 9 ] 6 1 false',
      '11 [ 11, 22 ]',
      '2',
      'var 5',
      'caught',
      'inner',
    ],
  },
  {
    name: 'texts',
    cells: [
      text(
        'title',
        '# A title',
        '',
        'It ends */ here, `code`, // and * more',
        '',
        '```ts',
        '// %% [fake] not a marker',
        '```',
        'ünïcødé 🎉 ${x}',
      ),
      { id: 'raw', type: 'raw', source: '---\nraw: text\n---' },
      code('empty'),
      code('comments', '// only a comment', '/* and another */'),
      code(
        'strings',
        'const page = `',
        '// %% [inside]',
        '  %time */ ${[1, 2].map((n) => `<${n}>`).join("")}',
        '`',
        'console.log(page)',
        '// %% [user] looks like a marker',
        'console.log("日本語 \\u{1F389} 🎉", /\\/\\/ %%/.source, JSON.stringify({ "a b": [1e-7, -0, null], c: "\\"" }))',
      ),
      code('numbers', 'console.log(0.1 + 0.2, 1e21, 0xff, 1_000, 10n ** 20n, -0, NaN, .5)'),
      code(
        'labels',
        '"use strict"',
        '{ const a = 1; void a }',
        ';[1, 2].forEach((n) => console.log(n))',
        ';(() => console.log("iife"))();',
        '`tail`',
      ),
    ],
    stdout: [
      '',
      '// %% [inside]',
      '  %time */ <1><2>',
      '',
      '日本語 🎉 🎉 \\/\\/ %% {"a b":[1e-7,0,null],"c":"\\""}',
      '0.30000000000000004 1e+21 255 1000 100000000000000000000n -0 NaN 0.5',
      '1',
      '2',
      'iife',
    ],
  },
  {
    name: 'names-of-the-script',
    inKernel: false,
    cells: [
      code('a', 'const cell = 1, main = 2, flags = 3, runScript = 4', 'let flag = 5'),
      code(
        'b',
        'function logged(target: any, _context: unknown) { return class Logged extends target { extra = 1 } as any }',
        '@logged class Thing { x = cell }',
        'const thing: any = new Thing()',
        'console.log(thing.x, thing.extra, main, flags, runScript, flag)',
      ),
      code(
        'c',
        'export const exported = 7',
        'export default function f() { return exported }',
        'console.log(f())',
      ),
      {
        id: 'skipped',
        tags: ['no-export'],
        source: 'const hidden = 1; console.log("not in the script")',
      },
      {
        id: 'extra',
        tags: ['export-only'],
        type: 'raw',
        source: 'const hidden = "shown"; console.log(hidden)',
      },
      { id: 'skipped-text', tags: ['no-export'], type: 'markdown', source: 'not in the script' },
      code(
        'd',
        'declare global { interface Array<T> { second?: T } }',
        'declare const __nothing: number | undefined',
        'console.log([1].second, typeof __nothing)',
        'abstract class Base { abstract n(): number }',
        'class Derived extends Base { override n() { return 3 } }',
        'new Derived().n()',
      ),
    ],
    stdout: ['1 1 2 3 4 5', '7', 'shown', 'undefined undefined'],
  },
];

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '../..');
const page = readFileSync(join(root, 'docs/differences.md'), 'utf8');

/** Cells of the rows of the page's tables whose last column names tests. */
const rows = page
  .split(/\n(?=\| .*\| test +\|\n)/)
  .slice(1)
  .flatMap((table) => table.split('\n').slice(2, table.split('\n').findIndex(isOutside)))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .map((cells) => cells.slice(1, -1));

function isOutside(line: string): boolean {
  return !line.startsWith('|');
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

/** The text of a title; what is put into it at run time stands as a star. */
function titleOf(node: ts.Expression): string | null {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return node.head.text + node.templateSpans.map((span) => `*${span.literal.text}`).join('');
}

/** A test: the titles of the groups around it, from the outside, and its own. */
interface Title {
  groups: readonly string[];
  title: string;
}

function titlesIn(path: string): Title[] {
  const titles: Title[] = [];
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ESNext);
  const visit = (node: ts.Node, groups: readonly string[]): void => {
    let inside = groups;
    if (
      ts.isCallExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.arguments.length > 1
    ) {
      const title = titleOf(node.arguments[0]);
      if (title !== null && node.expression.text === 'describe') inside = [...groups, title];
      else if (title !== null) titles.push({ groups, title });
    }
    ts.forEachChild(node, (child) => visit(child, inside));
  };
  visit(source, []);
  return titles;
}

const plain = (text: string) => text.replace(/`/g, '').replace(/\\\|/g, '|');

/** Whether `text`, in which a star stands for anything, begins with `start`, or is it. */
function begins(text: string, start: string): boolean {
  const parts = text.split('*');
  if (parts[0].startsWith(start)) return true;
  const escaped = parts.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return parts.length > 1 && new RegExp(`^${escaped.join('.*')}$`).test(start);
}

/** Least number of words of a test's own title that name it. */
const WORDS = 4;

/** Whether a cell is the beginning of a test's title, with or without that of its groups before it. */
function names(cell: string, { groups, title }: Title): boolean {
  const words = plain(cell).split(' ');
  const around = ['', ...groups.map((_, at) => groups.slice(at).join(' '))].map(plain);
  return words.some((_, at) => {
    const tail = words.slice(at).join(' ');
    const isLong = words.length - at >= Math.min(WORDS, title.split(' ').length);
    const head = words.slice(0, at).join(' ');
    const isGroup = around.some((group) => begins(group, head));
    return isLong && isGroup && begins(plain(title), tail);
  });
}

/** Exported names that take a `compat` option: functions by a parameter, types by a property. */
function namesWithCompat(): string[] {
  const entry = join(root, 'sdk/src/index.ts');
  const { config } = ts.readConfigFile(join(root, 'sdk/tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(root, 'sdk'));
  const program = ts.createProgram([entry], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.SourceFile);
  return checker
    .getExportsOfModule(module as ts.Symbol)
    .map((symbol) =>
      symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    )
    .filter((symbol) =>
      (symbol.declarations ?? []).some((declaration) => {
        if (ts.isFunctionDeclaration(declaration)) {
          return declaration.parameters.some((one) => /\bcompat\b/.test(one.getText()));
        }
        if (!ts.isInterfaceDeclaration(declaration)) return false;
        return declaration.members.some((member) => member.name?.getText() === 'compat');
      }),
    )
    .map((symbol) => symbol.name)
    .sort();
}

describe('docs/differences.md', function () {
  this.timeout(120_000);

  const titles = testFiles(join(root, 'test')).flatMap(titlesIn);

  it('has rows', () => {
    assert.ok(rows.length > 20);
  });

  for (const cells of rows) {
    for (const test of (cells.at(-1) as string).split('<br>')) {
      if (test === 'same') continue;
      it(`names a test of ${plain(cells[0])}: ${plain(test)}`, () => {
        assert.ok(titles.some((title) => names(test, title)));
      });
    }
  }

  it("names everything of the sdk that takes compat: 'verl-omni'", () => {
    const missing = namesWithCompat().filter((name) => !page.includes(`\`${name}\``));
    assert.deepEqual(missing, []);
  });
});

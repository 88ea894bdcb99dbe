import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { runningKernel } from '../kernel-extensions/kernel/running-kernel';

const folder = join(__dirname, '../../notebooks');

/** The names that a recipe's cells import from Flowbook's packages, by package. */
function importedNames(recipe: string): Map<string, Set<string>> {
  const { cells } = JSON.parse(readFileSync(join(folder, recipe), 'utf8')) as {
    cells: { cell_type: string; source: string[] }[];
  };
  const names = new Map<string, Set<string>>();
  for (const { cell_type, source } of cells) {
    if (cell_type !== 'code') continue;
    const file = ts.createSourceFile('cell.ts', source.join(''), ts.ScriptTarget.Latest);
    for (const statement of file.statements) {
      if (!ts.isImportDeclaration(statement)) continue;
      const from = (statement.moduleSpecifier as ts.StringLiteral).text;
      const bindings = statement.importClause?.namedBindings;
      if (!from.startsWith('@flowbook/') || !bindings || !ts.isNamedImports(bindings)) continue;
      const known = names.get(from) ?? new Set();
      for (const { name, propertyName } of bindings.elements)
        known.add((propertyName ?? name).text);
      names.set(from, known);
    }
  }
  return names;
}

describe("the names of Flowbook's packages in each recipe", function () {
  this.timeout(300_000);
  const running = runningKernel();
  const checked = new Set<string>();

  async function ask(type: string, code: string) {
    const { content } = await running.kernel.request('shell', type, {
      code,
      cursor_pos: code.length,
      detail_level: 0,
    });
    return content as { matches?: string[]; found?: boolean; data?: Record<string, string> };
  }

  async function faultsOf(name: string, before: string): Promise<string> {
    const { matches } = await ask('complete_request', before + name.slice(0, -1));
    const { found, data } = await ask('inspect_request', before + name);
    const help = data?.['text/plain'] ?? '';
    return [
      ...(matches?.includes(name) ? [] : ['is not completed']),
      ...(found && help.includes(name) ? [] : [`has no help: ${help}`]),
    ].join(', ');
  }

  for (const recipe of readdirSync(folder).filter((name) => name.endsWith('.ipynb'))) {
    it(`${recipe}: each is completed, and Shift-Tab tells what it is`, async () => {
      const names = importedNames(recipe);
      assert.ok(names.size > 0);
      const mute: string[] = [];
      for (const [from, own] of names) {
        for (const name of own) {
          if (checked.has(name)) continue;
          checked.add(name);
          const faults = [];
          // A type has its place after a colon.
          for (const place of ['', 'let shown: ']) {
            faults.push(await faultsOf(name, `import { ${name} } from '${from}';\n${place}`));
            if (faults.at(-1) === '') break;
          }
          if (!faults.includes('')) mute.push(`${name}: ${faults.join(' or ')}`);
        }
      }
      assert.deepEqual(mute, []);
    });
  }
});

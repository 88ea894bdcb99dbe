import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readNotebook } from '@flowbook/kernel-extensions';
import { repository } from '../setup/setup-module';

const notebooks = join(repository, 'notebooks');
const readme = readFileSync(join(notebooks, 'README.md'), 'utf8');

/** Papers whose equations the recipes' README lists with a version, by their arXiv numbers. */
const numbered = [...readme.matchAll(/\| (\d{4}\.\d{5})v\d+ \|/g)].map(([, number]) => number);

function prose(name: string): string {
  const { cells } = readNotebook(join(notebooks, name));
  return cells
    .filter(({ cell_type }) => cell_type === 'markdown')
    .map(({ source }) => source)
    .join('\n\n');
}

describe('papers in recipes', () => {
  const recipes = readdirSync(notebooks)
    .filter((name) => name.endsWith('.ipynb'))
    .map((name) => ({ name, text: prose(name) }));

  for (const { name, text } of recipes) {
    const cited = numbered.filter((number) => text.includes(`arxiv.org/abs/${number}`));
    if (cited.length === 0) continue;
    it(`${name} names an equation of what it cites`, () => {
      assert.match(text, /equations? \d/);
    });
  }

  it('each paper with numbered equations is cited by a recipe, with authors and year', () => {
    const all = recipes.map(({ text }) => text).join('\n');
    for (const number of numbered) {
      const citation = new RegExp(
        `\\[[A-Z][a-z]+ et al\\. \\d{4}\\]\\(https://arxiv\\.org/abs/${number}\\)`,
      );
      assert.match(all, citation);
    }
    assert.ok(numbered.length >= 6, `${numbered.length} papers`);
  });
});

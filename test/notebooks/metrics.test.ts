import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readNotebook } from '@flowbook/kernel-extensions';
import { readMeasured } from '../../notebooks/full/report';
import { repository } from '../setup/setup-module';

const notebooks = join(repository, 'notebooks');

/** What the tables of a page define: names in backticks, or a chart's words, several between semicolons. */
function definedBy(page: string): Set<string> {
  const cells = [...page.matchAll(/^\| (.+?) \|/gm)].map(([, cell]) => cell);
  return new Set(
    cells.flatMap((cell) => {
      const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
      return names.length > 0 ? names : cell.split('; ');
    }),
  );
}

/** What a recipe's charts call what they plot: the label where there is one, else the logged name. */
function plottedBy(code: string): string[] {
  const charts = [...code.matchAll(/\bcurves\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/g)];
  const named = charts.map(([call]) => {
    const option = (name: string) =>
      new RegExp(`\\b${name}: (['"])(.*?)\\1`).exec(call)?.[2] ?? null;
    return option('label') ?? option('field') ?? 'reward';
  });
  const tables = [...code.matchAll(/\bfields: \[([^\]]*)\]/g)];
  const listed = tables.flatMap(([, list]) =>
    [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name),
  );
  return [...named, ...listed, ...(/\b(kl|klChart)\(/.test(code) ? ['KL divergence'] : [])];
}

describe('notebooks/README.md', () => {
  const defined = definedBy(readFileSync(join(notebooks, 'README.md'), 'utf8'));
  /** Names of many, as `reward/<name>`. */
  const families = [...defined].filter((name) => name.includes('<'));
  const isDefined = (name: string) =>
    defined.has(name) || families.some((family) => name.startsWith(family.split('<')[0]));
  const missing = (names: Iterable<string>) =>
    [...new Set(names)].filter((name) => !isDefined(name));

  it('defines every number that kept results have of their last steps', () => {
    const { results } = readMeasured();
    assert.deepEqual(missing(results.flatMap(({ last = {} }) => Object.keys(last))), []);
  });

  for (const name of readdirSync(notebooks).filter((file) => file.endsWith('.ipynb'))) {
    it(`defines what ${name} plots`, () => {
      const { cells } = readNotebook(join(notebooks, name));
      const code = cells.filter(({ cell_type }) => cell_type === 'code');
      assert.deepEqual(missing(code.flatMap(({ source }) => plottedBy(source))), []);
    });
  }

  it('is asked for what charts name, and not for what stands in prose', () => {
    assert.deepEqual(
      plottedBy(
        "curves({ a: f(b(1)) }, { field: 'x', label: \"a step's y\" }); curves(log); metrics(log, { fields: ['z', 'w'] })",
      ),
      ["a step's y", 'reward', 'z', 'w'],
    );
    assert.ok(!definedBy('`loss`\n| `x`, `y` | `z` |').has('z'));
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSite } from '../../docs/make/build-site';
import { brokenLinks, linkPages } from '../../docs/make/page-links';
import { readPages } from '../../docs/make/pages';
import { repository } from '../setup/setup-module';

describe('the site of documentation', function () {
  this.timeout(300_000);

  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-site-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('is made without a link that leads nowhere, with every recipe and the scheduler in it', async () => {
    assert.deepEqual(await buildSite({ root: repository, folder }), []);
    const html = join(folder, 'html');
    const documents = readdirSync(join(html, 'documents'));
    const texts = documents.map((name) => readFileSync(join(html, 'documents', name), 'utf8'));
    const recipes = readdirSync(join(repository, 'notebooks')).filter((name) =>
      name.endsWith('.ipynb'),
    );
    assert.equal(recipes.length, 11);
    for (const recipe of recipes) {
      const [, title] = /^# (.+)$/m.exec(readPages(repository).get(`notebooks/${recipe}`)!)!;
      assert.ok(
        texts.some((text) => text.includes(`<title>${title} | Flowbook</title>`)),
        title,
      );
    }
    const scheduler = readdirSync(join(html, 'classes')).find((name) =>
      name.endsWith('FlowMatchSDEDiscreteScheduler.html'),
    );
    assert.match(readFileSync(join(html, 'classes', scheduler!), 'utf8'), /samplePreviousStep/);
    const flow = texts.find((text) => text.includes('<title>The flow | Flowbook</title>'));
    assert.match(flow!, /<math xmlns/, 'formulas are drawn');
  });

  it('names a link whose file is not there, and reads none in code', () => {
    const pages = new Map([
      ['docs/a.md', 'See [b](b.md), [the web](https://example.org#part) and `[c](c.md)`.'],
      ['README.md', '```\n[d](d.md)\n```\n[docs](docs/runs.md#part)'],
    ]);
    assert.deepEqual(brokenLinks(repository, pages), [{ page: 'docs/a.md', target: 'docs/b.md' }]);
  });

  it('names a link to a part that has no heading, in its own page and in another', () => {
    const pages = new Map([
      ['docs/runs.md', '# Runs\n## `flowbook run`, again\n## Twice\n## Twice\n```\n# in code\n```'],
      [
        'README.md',
        [
          '# Flowbook',
          '[a](docs/runs.md#runs), [b](docs/runs.md#flowbook-run-again), [c](docs/runs.md#twice-1)',
          '[d](docs/runs.md#twice-2), [e](docs/runs.md#in-code), [f](#flowbook), [g](#runs)',
          '`[h](#in-code)`, [i](https://example.org#runs)',
        ].join('\n'),
      ],
    ]);
    const targets = brokenLinks(repository, pages).map(({ page, target }) => `${page}: ${target}`);
    assert.deepEqual(targets, [
      'README.md: docs/runs.md#twice-2',
      'README.md: docs/runs.md#in-code',
      'README.md: README.md#runs',
    ]);
  });

  it('leads links to notebooks to their pages', () => {
    assert.equal(
      linkPages('[x](../notebooks/01-flow-grpo.ipynb#part) [y](runs.md)'),
      '[x](../notebooks/01-flow-grpo.md#part) [y](runs.md)',
    );
  });
});

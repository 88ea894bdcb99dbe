import assert from 'node:assert/strict';
import { brokenLinks, linkPages } from '../../docs/make/page-links';
import { repository } from '../setup/setup-module';

describe('links of the documentation', () => {
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

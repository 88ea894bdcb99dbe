import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSite } from '../../../docs/make/build-site';
import { readPages } from '../../../docs/make/pages';
import { repository } from '../../setup/setup-module';

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
});

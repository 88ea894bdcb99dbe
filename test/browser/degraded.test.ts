import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { runPythonClient } from '../jupyter/python-clients';
import { isLong } from '../long-run';
import { makeRecipeFolder, type RecipeFolder } from '../notebooks/recipe-folder';
import { repository, scriptModule } from '../setup/setup-module';

const recipes = readdirSync(join(repository, 'notebooks')).filter((name) =>
  name.endsWith('.ipynb'),
);

describe('displays where no viewer draws them', function () {
  this.timeout(600_000);
  let folder: RecipeFolder;
  let browser: Browser;
  before(async () => {
    folder = makeRecipeFolder('degraded-test');
    const { findChromium } = await scriptModule('chromium.mjs');
    browser = await chromium.launch({
      executablePath: findChromium(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  });
  after(async () => {
    await browser?.close();
    folder.remove();
  });

  // The first recipe has a filmstrip, whose own viewer only JupyterLab has, and sliders.
  for (const name of isLong ? recipes : ['00-the-flow.ipynb']) {
    it(`are pictures in the HTML that "nbconvert --execute" makes of ${name}, and in its PDF`, async () => {
      const { code, stderr } = await runPythonClient(
        'nbconvert',
        ['--execute', '--to', 'html', '--log-level', 'ERROR', folder.addSmoke(name)],
        folder.path,
      );
      assert.equal(code, 0, stderr);
      const file = join(folder.notebooks, name.replace('.ipynb', '.html'));
      const page = await browser.newPage();
      // Nothing is fetched: what nbconvert names of other hosts is left out.
      await page.route(/^https?:/, (route) => route.abort());
      await page.goto(`file://${file}`, { waitUntil: 'domcontentloaded' });
      const pictures = page.locator('.jp-OutputArea-output img');
      const count = await pictures.count();
      const source = readFileSync(join(repository, 'notebooks', name), 'utf8');
      const calls = source.match(/await (?:display|live\.finish|sliders)\(/g) ?? [];
      assert.ok(
        count >= calls.length / 2 && count >= 3,
        `${count} pictures, ${calls.length} calls`,
      );
      for (const picture of await pictures.all()) {
        const box = await picture.boundingBox();
        assert.ok(box && box.width > 200 && box.height > 50, JSON.stringify(box));
      }
      const pdf = await page.pdf({ printBackground: true });
      const images = pdf.toString('latin1').match(/\/Subtype ?\/Image/g) ?? [];
      assert.ok(images.length >= count, `${images.length} of ${count} pictures are in the PDF`);
      if (process.env.FLOWBOOK_SCREENSHOTS !== undefined) {
        mkdirSync(process.env.FLOWBOOK_SCREENSHOTS, { recursive: true });
        const kept = join(process.env.FLOWBOOK_SCREENSHOTS, `degraded-${name}`);
        writeFileSync(`${kept}.pdf`, pdf);
        await page.screenshot({ path: `${kept}.png`, fullPage: true });
      }
      await page.close();
    });
  }
});

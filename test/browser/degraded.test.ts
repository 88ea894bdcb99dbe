import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { filmstrip, sigmas } from '@flowbook/kernel-extensions';
import { frameSeries, schedule } from '../kernel-extensions/display/samples';
import { scriptModule, setupModule } from '../setup/setup-module';
import { temporaryFolder } from '../setup/temporary-folder';

describe('displays where no viewer draws them', function () {
  this.timeout(180_000);
  const folder = temporaryFolder();
  let browser: Browser;
  before(async () => {
    const { findChromium } = await scriptModule('chromium.mjs');
    browser = await chromium.launch({
      executablePath: findChromium(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  });
  after(() => browser?.close());

  it('are pictures in the HTML of nbconvert and in its PDF', async () => {
    const { cacheFolder, jupyterFolder, venvPython } = await setupModule('index.mjs');
    const outputs = [];
    for (const drawing of [filmstrip(frameSeries(11)), sigmas(schedule)]) {
      const { data, metadata } = await drawing;
      outputs.push({ output_type: 'display_data', data, metadata });
    }
    const cell = {
      cell_type: 'code',
      id: 'a',
      metadata: {},
      source: [],
      execution_count: 1,
      outputs,
    };
    const metadata = {
      kernelspec: { name: 'flowbook', display_name: 'Flowbook', language: 'typescript' },
    };
    const notebook = { cells: [cell], metadata, nbformat: 4, nbformat_minor: 5 };
    const file = join(folder.path, 'shown.ipynb');
    writeFileSync(file, JSON.stringify(notebook));
    const python = venvPython(jupyterFolder(cacheFolder()));
    execFileSync(python, ['-m', 'nbconvert', '--to', 'html', '--log-level', 'ERROR', file], {
      env: { ...process.env, JUPYTER_CONFIG_DIR: folder.path, JUPYTER_DATA_DIR: folder.path },
    });
    const page = await browser.newPage();
    // Nothing is fetched: what nbconvert names of other hosts is left out.
    await page.route(/^https?:/, (route) => route.abort());
    await page.goto(`file://${file.replace('.ipynb', '.html')}`, { waitUntil: 'domcontentloaded' });
    const pictures = page.locator('.jp-OutputArea-output img');
    assert.equal(await pictures.count(), 2);
    for (const picture of await pictures.all()) {
      const box = await picture.boundingBox();
      assert.ok(box && box.width > 400 && box.height > 150, JSON.stringify(box));
    }
    const pdf = await page.pdf({ printBackground: true });
    const images = pdf.toString('latin1').match(/\/Subtype ?\/Image/g) ?? [];
    assert.ok(images.length >= 2, `${images.length} pictures are in the PDF`);
    if (process.env.FLOWBOOK_SCREENSHOTS !== undefined) {
      mkdirSync(process.env.FLOWBOOK_SCREENSHOTS, { recursive: true });
      writeFileSync(join(process.env.FLOWBOOK_SCREENSHOTS, 'degraded.pdf'), pdf);
      await page.screenshot({ path: join(process.env.FLOWBOOK_SCREENSHOTS, 'degraded.png') });
    }
  });
});

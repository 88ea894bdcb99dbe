import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLong } from '../long-run';
import { repository } from '../setup/setup-module';
import { keepPicture } from './keep-picture';
import { openRecipe, runAllCells, type OpenNotebook } from './open-notebook';

const recipes = readdirSync(join(repository, 'notebooks')).filter((name) =>
  name.endsWith('.ipynb'),
);

/** Waits until the last cell has run, or one has failed. */
async function untilDone({ page }: OpenNotebook): Promise<void> {
  const count = await page.locator('.jp-CodeCell').count();
  const failed = page.locator('.jp-RenderedText[data-mime-type*="err"]');
  const last = page.locator('.jp-CodeCell .jp-InputPrompt', { hasText: `[${count}]` });
  await failed.or(last).first().waitFor({ state: 'attached', timeout: 400_000 });
  assert.deepEqual(await failed.allInnerTexts(), []);
}

for (const name of isLong ? recipes : ['00-the-flow.ipynb']) {
  describe(`${name} in JupyterLab`, function () {
    this.timeout(600_000);
    let notebook: OpenNotebook;
    before(async () => {
      notebook = await openRecipe(name, { mode: 'smoke' });
      await runAllCells(notebook.page);
      await untilDone(notebook);
    });
    afterEach(() => keepPicture(notebook.page, `recipe-${name}`));
    after(() => notebook?.close());

    it('runs all its cells, draws every display, and the console has nothing to complain of', async () => {
      const { page, complaints } = notebook;
      const drawn = page.locator('.vega-embed canvas, .flowbook-frames section');
      assert.ok((await drawn.count()) > 0);
      for (const one of await drawn.all()) {
        await one.scrollIntoViewIfNeeded();
        const box = await one.boundingBox();
        assert.ok(box && box.width > 100 && box.height > 20, JSON.stringify(box));
      }
      assert.deepEqual(complaints, []);
    });

    it('saves the notebook with a picture and words beside each chart', async () => {
      const { page, savedOutputs } = notebook;
      await page.keyboard.press('Control+s');
      await page.waitForSelector('.jp-mod-dirty', { state: 'detached', timeout: 30_000 });
      const saved = (await savedOutputs()).flatMap(({ data }) => (data ? [Object.keys(data)] : []));
      const charts = saved.filter((types) => types.includes('application/vnd.vegalite.v5+json'));
      assert.ok(charts.length >= 3, `${charts.length} charts are saved`);
      for (const types of charts) {
        const own = types.filter((type) => type !== 'application/vnd.flowbook.frames+json');
        assert.deepEqual(own.sort(), [
          'application/vnd.vegalite.v5+json',
          'image/png',
          'text/plain',
        ]);
      }
    });

    it('scrubs each series of pictures', async () => {
      for (const viewer of await notebook.page.locator('.flowbook-frames section').all()) {
        const slider = viewer.locator('input[type=range]').first();
        const picture = viewer.locator('.viewport img').first();
        const end = await picture.getAttribute('src');
        await slider.focus();
        await slider.press((await slider.inputValue()) === '0' ? 'ArrowRight' : 'ArrowLeft');
        const isOne = (await slider.getAttribute('max')) === '0';
        assert.equal((await picture.getAttribute('src')) === end, isOne);
      }
    });

    it('runs the function of each slider again when it is moved', async () => {
      const { page } = notebook;
      const controls = page.locator('.jp-OutputArea .noUi-handle');
      for (const handle of await controls.all()) {
        const cell = page.locator('.jp-CodeCell', { has: handle });
        const canvas = cell.locator('.vega-embed canvas').last();
        const pixels = () =>
          canvas.evaluate((one) => (one as unknown as { toDataURL(): string }).toDataURL());
        const before = await pixels();
        await handle.focus();
        for (let presses = 0; presses < 4; presses++) await handle.press('ArrowRight');
        await assertSoon(async () => (await pixels()) !== before);
      }
      assert.deepEqual(notebook.complaints, []);
    });
  });
}

if (isLong) {
  describe('01-flow-grpo.ipynb in JupyterLab, while it trains', function () {
    this.timeout(600_000);
    let notebook: OpenNotebook;
    before(async () => {
      notebook = await openRecipe('01-flow-grpo.ipynb', { mode: 'smoke', steps: 500 });
      await runAllCells(notebook.page);
    });
    after(() => notebook?.close());

    it('ends between two steps when it is interrupted, keeps what it has learned, and runs anew after a restart', async () => {
      const { page } = notebook;
      // Editors that are out of view have no text: the loop is the last cell but one.
      const cells = page.locator('.jp-CodeCell');
      const loop = cells.nth((await cells.count()) - 2);
      await loop.locator('.vega-embed').first().waitFor({ state: 'attached', timeout: 300_000 });
      await page.waitForTimeout(10_000);
      await page.locator('.jp-Toolbar [data-command="notebook:interrupt-kernel"]').first().click();
      await page.getByText(/aborted after \d+ steps/).waitFor({ timeout: 120_000 });
      await keepPicture(page, 'recipe-interrupted');
      await page.click('.lm-MenuBar-itemLabel:text-is("Kernel")');
      await page.click('li[data-command="kernelmenu:restart-and-clear"]');
      await page.locator('.jp-Dialog button', { hasText: 'Restart' }).click();
      await page.locator('.vega-embed').first().waitFor({ state: 'detached', timeout: 60_000 });
      await page.locator('.jp-CodeCell .cm-content').first().click();
      await page.keyboard.press('Shift+Enter');
      await page
        .locator('.jp-CodeCell .jp-InputPrompt', { hasText: '[1]' })
        .waitFor({ timeout: 60_000 });
    });
  });
}

if (isLong) {
  describe('02-three-sdes.ipynb in JupyterLab, while it draws', function () {
    this.timeout(600_000);
    let notebook: OpenNotebook;
    before(async () => {
      notebook = await openRecipe('02-three-sdes.ipynb', {});
      await runAllCells(notebook.page);
    });
    after(() => notebook?.close());

    it('ends when Stop is pressed, and the notebook keeps how far it came', async () => {
      const { page } = notebook;
      const stop = page.locator('.jp-OutputArea button', { hasText: 'Stop' });
      await stop.waitFor({ timeout: 400_000 });
      await page.getByText(/rollout [1-9]\d* of 12/).waitFor({ timeout: 120_000 });
      await stop.click();
      const failed = page.locator('.jp-RenderedText[data-mime-type*="err"]');
      await failed.first().waitFor({ timeout: 60_000 });
      // The bar's next step throws, or the cell is interrupted within a rollout: whichever is first.
      assert.match(
        (await failed.allInnerTexts()).join(),
        /Stop was pressed|the cell was interrupted/,
      );
      await stop.waitFor({ state: 'detached', timeout: 30_000 });
      await page.keyboard.press('Control+s');
      await page.waitForSelector('.jp-mod-dirty', { state: 'detached', timeout: 30_000 });
      assert.match(
        JSON.stringify(await notebook.savedOutputs()),
        /rollout \d+ of 12 [^"]* stopped"/,
      );
    });
  });
}

async function assertSoon(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, 'it did not come to be so');
    await new Promise((settle) => setTimeout(settle, 200));
  }
}

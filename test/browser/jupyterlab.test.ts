import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openRecipe, runAllCells, type OpenNotebook } from './open-notebook';

/** Where a person can look at what was seen. */
const pictures = process.env.FLOWBOOK_SCREENSHOTS;

describe('JupyterLab', function () {
  this.timeout(300_000);
  let notebook: OpenNotebook;
  before(async () => {
    const steps = process.env.FLOWBOOK_BROWSER_STEPS;
    const shown = steps === undefined ? { mode: 'smoke' as const } : { steps: Number(steps) };
    notebook = await openRecipe('01-flow-grpo.ipynb', shown);
  });
  after(() => notebook?.close());

  async function picture(name: string): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    await notebook.page.screenshot({ path: join(pictures, `${name}.png`) });
  }

  it('runs all cells of 01-flow-grpo, and shows its charts and pictures', async () => {
    const { page, complaints } = notebook;
    const codeCells = await page.locator('.jp-CodeCell').count();
    await runAllCells(page);
    const failed = page.locator('.jp-RenderedText[data-mime-type*="err"]');
    const finished = page.getByText(/held-out accuracy before: 0\.\d+, after: 0\.\d+/);
    await failed.or(finished).first().waitFor({ state: 'attached', timeout: 240_000 });
    assert.deepEqual(await failed.allInnerTexts(), []);
    await page
      .locator('.jp-CodeCell .jp-InputPrompt', { hasText: `[${codeCells}]` })
      .waitFor({ state: 'attached', timeout: 60_000 });
    const charts = await page.locator('.vega-embed').count();
    assert.ok(charts >= 8, `8 charts at least: ${charts} are there`);
    for (const chart of await page.locator('.vega-embed').all()) {
      await chart.scrollIntoViewIfNeeded();
      const box = await chart.boundingBox();
      assert.ok(box && box.width > 200 && box.height > 100, 'a chart has a size');
      const drawn = await chart.locator('canvas, svg').count();
      assert.ok(drawn > 0, 'a chart is drawn');
    }
    await picture('01-flow-grpo-end');
    assert.deepEqual(complaints, []);
  });

  it('saves the notebook with a picture beside each chart', async () => {
    const { page, savedOutputs } = notebook;
    await page.keyboard.press('Control+s');
    await page.waitForSelector('.jp-mod-dirty', { state: 'detached', timeout: 30_000 });
    const saved = (await savedOutputs()).flatMap(({ data }) => (data ? [Object.keys(data)] : []));
    assert.ok(saved.length >= 8);
    for (const types of saved) {
      const own = types.filter((type) => type !== 'application/vnd.flowbook.frames+json');
      assert.deepEqual(own.sort(), ['application/vnd.vegalite.v5+json', 'image/png', 'text/plain']);
    }
  });
});

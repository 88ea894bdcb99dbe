import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCells, runAllCells, type OpenNotebook } from './open-notebook';

/** Where a person can look at what was seen. */
const pictures = process.env.FLOWBOOK_SCREENSHOTS;

const CELLS = [
  `import { attach, trainingDisplay } from '@flowbook/kernel-extensions';
import { loadPipeline, trainFlowGRPO } from '@flowbook/sdk';
const pipeline = await loadPipeline('../datasets/tiny-qwen-image', {
  pipeline: { height: 64, width: 64, num_inference_steps: 4, true_cfg_scale: 1 },
});`,
  `const live = trainingDisplay();
const prompts = ['a red circle', 'a blue square'];
const { stopped, folder } = await trainFlowGRPO(pipeline, {
  prompts, reward: 'redness', groupSize: 4, steps: 3, sdeWindowRange: [0, 3],
  evaluation: { prompts, everySteps: 1, beforeTraining: true },
  runName: 'shown', onStep: live.onStep,
});
await live.finish(stopped);`,
  `const { state } = await attach(folder as string);
console.log('it was', state);`,
];

describe('trainingDisplay() in JupyterLab', function () {
  this.timeout(300_000);
  let notebook: OpenNotebook;
  before(async () => {
    notebook = await openCells(CELLS);
  });
  after(() => notebook?.close());

  it('shows a run, and its pictures with a slider that goes through the evaluations', async () => {
    const { page, complaints } = notebook;
    await runAllCells(page);
    const failed = page.locator('.jp-RenderedText[data-mime-type*="err"]');
    const finished = page.getByText('it was finished');
    await failed.or(finished).first().waitFor({ state: 'attached', timeout: 240_000 });
    assert.deepEqual(await failed.allInnerTexts(), []);
    // A chart and a grid, of the run itself and of its folder.
    const sliders = page.locator('.vega-embed input[type="range"]');
    await sliders.nth(1).waitFor({ state: 'attached', timeout: 60_000 });
    assert.deepEqual([await page.locator('.vega-embed').count(), await sliders.count()], [4, 2]);
    for (const at of [0, 1]) {
      const slider = sliders.nth(at);
      const grid = page
        .locator('.vega-embed', { has: page.locator('input[type="range"]') })
        .nth(at)
        .locator('canvas, svg')
        .first();
      assert.deepEqual(
        [await slider.getAttribute('max'), await slider.inputValue()],
        ['3', '3'],
        'it stands at the last of four evaluations',
      );
      await slider.scrollIntoViewIfNeeded();
      const last = await grid.screenshot();
      await slider.fill('0');
      assert.ok(!last.equals(await grid.screenshot()), 'it shows other pictures');
    }
    if (pictures !== undefined) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, 'training-display.png') });
    }
    assert.deepEqual(complaints, []);
  });
});

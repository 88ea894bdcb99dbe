import assert from 'node:assert/strict';
import { openCells, runAllCells, type OpenNotebook } from './open-notebook';
import { keepPicture } from './keep-picture';

const CELLS = [
  `import { images, progressBar, sliders } from '@flowbook/kernel-extensions';
await sliders({ red: { value: 40, min: 0, max: 255, step: 1 } }, ({ red }) => {
  const data = Uint8Array.from({ length: 3 * 64 }, (_, i) => i % 3 === 0 ? red : 40);
  return images([{ width: 8, height: 8, channels: 3, data }], { captions: ['red is ' + red] });
});`,
  `const bar = progressBar({ total: 100000, title: 'Counting' });
let done = 0;
try {
  for (;;) { await bar.update(++done); await new Promise((settle) => setTimeout(settle, 5)); }
} catch (error) { console.log('ended:', (error as Error).message); }`,
];

describe('widgets in JupyterLab', function () {
  this.timeout(300_000);
  let notebook: OpenNotebook;
  before(async () => {
    notebook = await openCells(CELLS);
  });
  afterEach(() => keepPicture(notebook.page, 'widgets-end'));
  after(() => notebook?.close());

  it('a slider runs the function of its cell again, while another cell runs', async () => {
    const { page, complaints } = notebook;
    await runAllCells(page);
    await page.getByText(/step \d+ of 100000/).waitFor({ timeout: 90_000 });
    const handle = page.locator('.jp-OutputArea .noUi-handle');
    await handle.focus();
    for (let i = 0; i < 5; i++) await handle.press('ArrowRight');
    await page.waitForTimeout(3000);
    await keepPicture(page, 'widgets');
    assert.equal(await handle.getAttribute('aria-valuenow'), '45.0');
    assert.deepEqual(complaints, []);
  });

  it('Stop ends the loop, and the saved notebook keeps how it ended', async () => {
    const { page, complaints, savedOutputs } = notebook;
    const stop = page.locator('.jp-OutputArea button', { hasText: 'Stop' });
    await stop.click();
    await page.getByText('ended: Stop was pressed').waitFor({ timeout: 30_000 });
    await stop.waitFor({ state: 'detached', timeout: 30_000 });
    await page.locator('.vega-embed').nth(1).waitFor({ timeout: 30_000 });
    await page.keyboard.press('Control+s');
    await page.waitForSelector('.jp-mod-dirty', { state: 'detached', timeout: 30_000 });
    const saved = JSON.stringify(await savedOutputs());
    assert.match(saved, /red is 45/, 'the last output is saved');
    assert.doesNotMatch(saved, /red is 40/);
    assert.match(saved, /step \d+ of 100000 [^"]* stopped"/);
    assert.deepEqual(complaints, []);
  });
});

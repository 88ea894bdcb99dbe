import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { keepPicture } from './keep-picture';
import { openCells, runAllCells, type OpenNotebook } from './open-notebook';

const CELLS = [
  `for (let i = 1; i <= 60; i++) { console.log('line', i); await new Promise((settle) => setTimeout(settle, 200)); }
const kept = 'the state ' + 'was kept'; console.log(kept);`,
];

/** Writes code into the first cell in place of what is there, and runs it. */
async function runInFirst(page: Page, code: string): Promise<void> {
  await page.locator('.jp-CodeCell .cm-content').first().click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(code);
  await page.keyboard.press('Shift+Enter');
}

describe('a connection that drops in JupyterLab', function () {
  this.timeout(300_000);
  let notebook: OpenNotebook;
  before(async () => {
    notebook = await openCells(CELLS);
  });
  afterEach(() => keepPicture(notebook.page, 'connection'));
  after(() => notebook?.close());

  it('a page that is loaded anew finds its running cell, and the state stays', async () => {
    const { page } = notebook;
    await runAllCells(page);
    await page.getByText('line 5', { exact: false }).first().waitFor({ timeout: 90_000 });
    await page.keyboard.press('Control+s');
    await page.reload();
    await page.waitForSelector('.jp-Notebook .jp-CodeCell', { timeout: 90_000 });
    await page
      .locator('#jp-main-statusbar', { hasText: /TypeScript \(Flowbook\)\s*\|\s*Idle/ })
      .waitFor({ timeout: 90_000 });
    await runInFirst(page, "console.log(kept + ' after all')");
    await page.getByText('the state was kept after all').waitFor({ timeout: 60_000 });
  });

  it('the interrupt button ends a cell that would never end, and the state stays', async () => {
    const { page } = notebook;
    await runInFirst(page, "console.log('it runs on and on'); for (;;);");
    await page.getByText('it runs on and on').first().waitFor({ timeout: 60_000 });
    await page.locator('.jp-Toolbar [data-command="notebook:interrupt-kernel"]').first().click();
    const failed = page.locator('.jp-RenderedText[data-mime-type*="err"]');
    await failed.first().waitFor({ timeout: 30_000 });
    assert.match((await failed.allInnerTexts()).join(), /interrupt/i);
    await runInFirst(page, "console.log(kept + ' in spite of it')");
    await page.getByText('the state was kept in spite of it').waitFor({ timeout: 60_000 });
  });

  it('a restarted kernel begins anew', async () => {
    const { page } = notebook;
    await page.click('.lm-MenuBar-itemLabel:text-is("Kernel")');
    await page.click('li[data-command="kernelmenu:restart"]');
    await page.locator('.jp-Dialog button', { hasText: 'Restart' }).click();
    await runInFirst(page, "console.log('kept is', typeof (globalThis as any).kept)");
    await page.getByText('kept is undefined').waitFor({ timeout: 60_000 });
    assert.deepEqual(
      await page.locator('.jp-RenderedText[data-mime-type*="err"]').allInnerTexts(),
      [],
    );
  });
});

import assert from 'node:assert/strict';
import { openCells, runAllCells } from './open-notebook';

describe("a notebook's metadata in JupyterLab", () => {
  it('reach the kernel: typecheck "off" runs a cell with a type error', async function () {
    this.timeout(240_000);
    const sources = ['const text: string = 5;', 'text + 1'];
    const notebook = await openCells(sources, { flowbook: { typecheck: 'off' } });
    try {
      await runAllCells(notebook.page);
      const output = notebook.page.locator('.jp-OutputArea-executeResult .jp-OutputArea-output');
      await output.waitFor({ timeout: 60_000 });
      assert.equal((await output.innerText()).trim(), '6');
      assert.equal(await notebook.page.locator('[data-mime-type*="stderr"]').count(), 0);
    } finally {
      await notebook.close();
    }
  });
});

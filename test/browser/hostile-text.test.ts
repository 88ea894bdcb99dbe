import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { exportScript } from '../../kernel-extensions/src/export/export-script';
import { writeComparePage } from '../../kernel-extensions/src/runs/compare-page';
import { summarizeRun } from '../../kernel-extensions/src/runs/run-summary';
import { readNotebook } from '@flowbook/kernel-extensions';
import { hostile, samples } from '../kernel-extensions/display/samples';
import { Workspace } from '../kernel-extensions/notebook-of';
import { setupModule } from '../setup/setup-module';
import { notebookFile, openNotebook, runAllCells, type OpenNotebook } from './open-notebook';

/** A prompt that marks the page it gets to run in, as a picture that is not there or as a script. */
const PROMPT = '</script><img src=x onerror=self.ran=1><script>self.ran=1</script>';

const CELLS = [
  '// A stranger has run this.',
  `import { display } from '@flowbook/kernel-extensions';
const prompt: string = ${JSON.stringify(PROMPT)};
console.log(prompt);
console.error(prompt);
await display(prompt, { name: prompt });
[prompt, { [prompt]: prompt }]`,
  'throw new Error(prompt);',
];

type Output = Record<string, unknown>;

/** Every display there is, with the prompt in all of its texts. */
async function displaysOfPrompt(): Promise<Output[]> {
  const outputs: Output[] = [];
  for (const sample of Object.values(samples)) {
    const { data, metadata } = await sample().bundle({ png: false });
    const text = JSON.stringify({ output_type: 'display_data', data, metadata });
    outputs.push(JSON.parse(text.replaceAll(hostile, PROMPT)) as Output);
  }
  return outputs;
}

/** What came to run in a page or a frame of it, and what could: a frame of HTML that a cell shows runs nothing by itself. */
async function intruders(page: Page): Promise<unknown[]> {
  const found = [];
  for (const frame of page.frames()) {
    const ran = await frame.evaluate('self.ran');
    const elements =
      frame === page.mainFrame() ? await frame.locator('[onerror], img[src="x"]').count() : 0;
    if (ran !== undefined || elements > 0) found.push({ frame: frame.url(), ran, elements });
  }
  return found;
}

describe('a prompt with HTML and script', function () {
  this.timeout(300_000);
  const workspace = new Workspace();
  let notebook: OpenNotebook;
  let displays: Output[];

  before(async () => {
    displays = await displaysOfPrompt();
    // Of a stranger's notebook, forms that a browser would run.
    const foreign = ['text/html', 'text/markdown', 'image/svg+xml'].map((type) => {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="self.ran=1"><text>${PROMPT}</text></svg>`;
      const text = type === 'image/svg+xml' ? svg : PROMPT;
      return { output_type: 'display_data', data: { [type]: text }, metadata: {} };
    });
    const error = { output_type: 'error', ename: PROMPT, evalue: PROMPT, traceback: [PROMPT] };
    const file = notebookFile(CELLS);
    file.cells[0].outputs = [...displays, ...foreign, error] as never;
    file.cells.push({ cell_type: 'markdown', id: 'm', metadata: {}, source: [PROMPT] } as never);
    notebook = await openNotebook('hostile.ipynb', file);
  });
  after(async () => {
    await notebook?.close();
    workspace.remove();
  });

  it('runs where it stands as HTML, so that these tests would see it', async () => {
    const page = await notebook.page.context().newPage();
    await page.goto('about:blank');
    await page.setContent(PROMPT);
    await page.waitForFunction('self.ran === 1');
    assert.equal((await intruders(page)).length, 1);
    await page.close();
  });

  it("is text in JupyterLab, in a stranger's outputs and under the mouse", async () => {
    const { page } = notebook;
    const charts = page.locator('.vega-embed canvas, .vega-embed svg');
    await charts.first().waitFor({ timeout: 60_000 });
    for (const chart of await charts.all()) {
      await chart.scrollIntoViewIfNeeded();
      const box = (await chart.boundingBox())!;
      for (let at = 1; at < 4; at++) {
        await page.mouse.move(box.x + (box.width * at) / 4, box.y + (box.height * at) / 4);
      }
    }
    assert.ok((await charts.count()) >= 10, `${await charts.count()} charts are drawn`);
    assert.deepEqual(await intruders(page), []);
  });

  it('is text in JupyterLab, printed, shown, returned and thrown by the kernel', async () => {
    const { page } = notebook;
    await runAllCells(page);
    const thrown = page.locator('.jp-RenderedText[data-mime-type*="err"]', { hasText: 'Error:' });
    await thrown.first().waitFor({ timeout: 90_000 });
    const shown = await page.locator('.jp-OutputArea-output').allInnerTexts();
    const times = shown.join('\n').split('<img src=x onerror=self.ran=1>').length - 1;
    assert.ok(times >= 5, shown.join('\n'));
    assert.deepEqual(await intruders(page), []);
  });

  it("is refused with everything else that another origin asks of JupyterLab in this browser's name", async () => {
    const lab = new URL(notebook.page.url()).origin;
    const token = notebook.token;
    assert.doesNotMatch(notebook.page.url(), new RegExp(token), 'what the history keeps');
    const kernels = async () =>
      (await (await fetch(`${lab}/api/kernels?token=${token}`)).json()) as { id: string }[];
    const before = await kernels();
    const other = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<p>Another page</p>');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const page = await notebook.page.context().newPage();
    try {
      await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
      const answers = await page.evaluate(`(async () => {
        const read = await fetch('${lab}/api/contents', { credentials: 'include' }).then((it) => it.status, () => 'refused');
        await fetch('${lab}/api/kernels', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' });
        const socket = await new Promise((resolve) => {
          const channels = new WebSocket('${lab.replace('http', 'ws')}/api/kernels/${before[0].id}/channels');
          channels.onopen = () => resolve('open');
          channels.onerror = () => resolve('refused');
        });
        return { read, socket };
      })()`);
      assert.deepEqual(answers, { read: 'refused', socket: 'refused' });
      assert.deepEqual(
        (await kernels()).map(({ id }) => id),
        before.map(({ id }) => id),
      );
    } finally {
      await page.close();
      other.close();
    }
  });

  it("is text in nbconvert's HTML, and in the pages of runs", async () => {
    const files = [await convertedNotebook(), ...(await pagesOfRuns())];
    const page = await notebook.page.context().newPage();
    await page.route(/^https?:/, (route) => route.abort());
    for (const file of files) {
      await page.goto(`file://${encodeURI(file)}`, { waitUntil: 'load' });
      const text = await page.locator('body').innerText();
      assert.match(text, /<img src=x onerror=self\.ran=1>/, file);
      assert.deepEqual(await intruders(page), []);
      const links = page.locator('a[href^="javascript:"]');
      assert.equal(await links.count(), 0, file);
    }
    await page.close();
  });

  async function convertedNotebook(): Promise<string> {
    const file = notebookFile(CELLS.slice(0, 1));
    file.cells[0].outputs = displays as never;
    const path = workspace.write('shown.ipynb', JSON.stringify(file));
    const { cacheFolder, jupyterFolder, venvPython } = await setupModule('index.mjs');
    const python = venvPython(jupyterFolder(cacheFolder()));
    execFileSync(python, ['-m', 'nbconvert', '--to', 'html', '--log-level', 'ERROR', path], {
      env: {
        ...process.env,
        JUPYTER_CONFIG_DIR: workspace.folder,
        JUPYTER_DATA_DIR: workspace.folder,
      },
    });
    return path.replace('.ipynb', '.html');
  }

  /** A script's own page, and one that compares it with a folder that says of itself what it likes. */
  async function pagesOfRuns(): Promise<string[]> {
    const path = workspace.writeNotebook('run.ipynb', [
      { id: 'p', tags: ['parameters'], source: "const prompt: string = 'a fox';" },
      {
        id: 'a',
        source: `import { display } from '@flowbook/kernel-extensions';
console.log(prompt);
display({ 'text/html': prompt, 'text/plain': prompt });
display(prompt, { name: prompt });
prompt`,
      },
      { id: 'b', source: 'throw new Error(prompt);' },
    ]);
    const script = workspace.path('run.ts');
    writeFileSync(script, (await exportScript(readNotebook(path), path, script, false)).text);
    const out = workspace.path('<img src=x onerror=self.ran=1>');
    const parameters = ['--import', 'tsx', script, `--prompt=${PROMPT}`, '--out', out];
    assert.throws(() => execFileSync(process.execPath, parameters, { stdio: 'ignore' }));
    const copy = workspace.path('javascript:self.ran=1');
    mkdirSync(copy);
    const record = JSON.parse(readFileSync(join(out, 'script.json'), 'utf8')) as object;
    const said = { ...record, started: PROMPT, notebook: PROMPT, error: PROMPT };
    writeFileSync(join(copy, 'script.json'), JSON.stringify(said));
    const compared = workspace.path('compare.html');
    const runs = [out, copy].map((folder) => summarizeRun(folder));
    assert.equal(runs[1].error, PROMPT);
    // A record with a state of its own is none; the page is not to rely on that.
    runs.push({ ...runs[1], state: PROMPT as 'failed' });
    await writeComparePage(compared, basename(out), runs, ['prompt']);
    return [join(out, 'index.html'), compared];
  }
});

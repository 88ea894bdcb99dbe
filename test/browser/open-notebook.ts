import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatNotebook, readNotebook } from '@flowbook/kernel-extensions';
import { chromium, type Page } from 'playwright-core';
import { injectParameters } from '../../kernel-extensions/src/notebook/inject-parameters';
import { FlowbookProcess } from '../jupyter/flowbook-process';
import { makeRecipeFolder } from '../notebooks/recipe-folder';
import { scriptModule } from '../setup/setup-module';

const root = join(__dirname, '../..');

/** A page that shows a notebook in JupyterLab, with what its console complained about. */
export interface OpenNotebook {
  page: Page;
  /** What the server asks for. */
  token: string;
  /** Errors and warnings of the page's console. */
  complaints: string[];
  /** All outputs in the file, in order. */
  savedOutputs(): Promise<{ data?: Record<string, unknown> }[]>;
  close(): Promise<void>;
}

export interface NotebookFile {
  cells: {
    metadata: { tags?: string[] };
    source: string[];
    outputs?: { data?: Record<string, unknown> }[];
  }[];
}

/** Opens a recipe, with some of its parameters set, in JupyterLab. */
export function openRecipe(
  name: string,
  parameters: { steps?: number; mode?: 'smoke' },
): Promise<OpenNotebook> {
  const notebook = readNotebook(join(root, 'notebooks', name));
  const texts = Object.entries(parameters).map(([key, value]) => [key, String(value)] as const);
  injectParameters(notebook, new Map(texts));
  return openNotebook(name, JSON.parse(formatNotebook(notebook)) as NotebookFile);
}

/** Opens a notebook of these cells of code, with more metadata than the kernel's name, in JupyterLab. */
export function openCells(sources: readonly string[], more: object = {}): Promise<OpenNotebook> {
  return openNotebook('cells.ipynb', notebookFile(sources, more));
}

/** A notebook of these cells of code as its file holds it. */
export function notebookFile(sources: readonly string[], more: object = {}): NotebookFile {
  const cells = sources.map((source, at) => ({
    cell_type: 'code',
    id: `cell-${at}`,
    metadata: {},
    source: [source],
    outputs: [],
    execution_count: null,
  }));
  const kernelspec = {
    name: 'flowbook',
    display_name: 'TypeScript (Flowbook)',
    language: 'typescript',
  };
  const metadata = { kernelspec, ...more };
  return { cells, metadata, nbformat: 4, nbformat_minor: 5 } as NotebookFile;
}

/**
 * Writes a notebook into a folder of its own inside the clone, and opens it in JupyterLab in a headless Chromium.
 */
export async function openNotebook(name: string, notebook: NotebookFile): Promise<OpenNotebook> {
  const own = makeRecipeFolder('browser-test');
  const { path: folder, notebooks } = own;
  writeFileSync(join(notebooks, name), JSON.stringify(notebook));

  // All cells are in the page, whether they are in view or not.
  const settings = join(folder, 'settings');
  const tracker = join(settings, '@jupyterlab', 'notebook-extension');
  mkdirSync(tracker, { recursive: true });
  writeFileSync(join(tracker, 'tracker.jupyterlab-settings'), '{ "windowingMode": "none" }');

  const { findChromium } = await scriptModule('chromium.mjs');
  const executablePath: string | null = findChromium();
  if (executablePath === null) {
    throw new Error('Cannot test in a browser as set-up must have found or installed Chromium');
  }
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
    ],
  });
  const lab = new FlowbookProcess(
    ['lab', '--no-browser', '--port', '0', '--root', notebooks],
    root,
    { FLOWBOOK_RUN_DIR: folder, JUPYTERLAB_SETTINGS_DIR: settings },
  );
  const context = await browser.newContext({ viewport: { width: 1280, height: 1800 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || /vega/i.test(message.text())) complaints.push(message.text());
  });
  const close = async (): Promise<void> => {
    await browser.close();
    lab.kill('SIGINT');
    await lab.ended;
    own.remove();
  };
  let token: string;
  try {
    const [, url, said] = await lab.printed(
      /JupyterLab: (http:\/\/\S+\/)lab\?token=([0-9a-f]+)/,
      120_000,
    );
    token = said;
    await page.goto(`${url}lab/tree/${name}?token=${token}&reset`);
    await page.waitForSelector('.jp-Notebook .jp-CodeCell', { timeout: 90_000 });
    await page
      .locator('#jp-main-statusbar', { hasText: /TypeScript \(Flowbook\)\s*\|\s*Idle/ })
      .waitFor({ timeout: 90_000 });
  } catch (error) {
    const seen = await whatIsSeen(page).finally(close);
    throw new Error([String(error), ...seen, ...complaints, lab.stderr].join('\n'), {
      cause: error,
    });
  }
  const savedOutputs = async () => {
    const { cells } = JSON.parse(readFileSync(join(notebooks, name), 'utf8')) as NotebookFile;
    return cells.flatMap(({ outputs = [] }) => outputs);
  };
  return { page, token, complaints, savedOutputs, close };
}

/** What a page shows of its kernel, and a dialog that stands in the way: what an error about either has to tell. */
async function whatIsSeen(page: Page): Promise<string[]> {
  const texts = await page.locator('#jp-main-statusbar, .jp-Dialog').allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, ' '));
}

/** Runs all cells from the menu. */
export async function runAllCells(page: Page): Promise<void> {
  await page.click('.lm-MenuBar-itemLabel:text-is("Run")');
  await page.click('li[data-command="runmenu:run-all"]');
}

/** Goes through menus to an entry, by what is written on each. */
export async function chooseMenu(page: Page, menu: string, ...entries: string[]): Promise<void> {
  await page.click(`.lm-MenuBar-itemLabel:text-is("${menu}")`);
  for (const entry of entries) {
    const item = page.locator('.lm-Menu-itemLabel', { hasText: new RegExp(`^${entry}$`) });
    await item.click();
  }
}

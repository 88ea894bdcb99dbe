import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import { displayExamples } from '../docs/display-examples';
import { contrast } from '../kernel-extensions/display/colour-vision';
import { readPixels, structureDifference } from '../pictures/picture-difference';
import { repository } from '../setup/setup-module';
import { keepPicture } from './keep-picture';
import { chooseMenu, openCells, runAllCells, type OpenNotebook } from './open-notebook';

const examples = displayExamples();
const kept = join(__dirname, 'pictures');
const isWriting = process.env.FLOWBOOK_WRITE_PICTURES === '1';

describe('every display of docs/displays.md in JupyterLab', function () {
  this.timeout(300_000);
  let notebook: OpenNotebook;
  before(async () => {
    const cells = examples.map(({ code }) => code.replaceAll("'datasets/", "'../datasets/"));
    notebook = await openCells([...cells, "console.log('all are ' + 'drawn');"]);
    await runAllCells(notebook.page);
    const failed = notebook.page.locator('.jp-RenderedText[data-mime-type*="err"]');
    const finished = notebook.page.getByText('all are drawn');
    await failed.or(finished).first().waitFor({ state: 'attached', timeout: 240_000 });
    assert.deepEqual(await failed.allInnerTexts(), []);
    const last = outputOf(examples.length - 1, '.vega-embed canvas');
    await last.waitFor({ state: 'attached', timeout: 60_000 });
  });
  after(() => notebook?.close());

  const outputOf = (at: number, what: string) =>
    notebook.page.locator('.jp-CodeCell').nth(at).locator(`.jp-OutputArea ${what}`).last();

  /** What Vega drew, without the page around it. */
  async function drawn(canvas: Locator): Promise<Buffer> {
    const url = await canvas.evaluate((one) =>
      (one as unknown as { toDataURL(): string }).toDataURL(),
    );
    return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  }

  /** What differs once everything had time to be drawn: Vega loads pictures after the chart around them. */
  async function differences(theme: string): Promise<string[]> {
    const deadline = Date.now() + 30_000;
    let found = await differencesNow(theme);
    while (found.length > 0 && Date.now() < deadline) {
      await notebook.page.waitForTimeout(1000);
      found = await differencesNow(theme);
    }
    return found;
  }

  async function differencesNow(theme: string): Promise<string[]> {
    const found: string[] = [];
    for (const [at, { picture }] of examples.entries()) {
      const canvas = outputOf(at, '.vega-embed canvas');
      if ((await canvas.count()) === 0) continue;
      const png = await drawn(canvas);
      keep(`${theme}-${picture.split('/').at(-1)}`, png);
      const difference = await structureDifference(
        await readPixels(png),
        await readPixels(join(repository, picture)),
      );
      if (difference) found.push(`${picture}: ${difference}`);
    }
    return found;
  }

  function keep(name: string, png: Buffer): void {
    const folder = process.env.FLOWBOOK_SCREENSHOTS;
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `display-${name}`), png);
  }

  it('is drawn as its picture there shows, by Vega or by the viewer of frames', async () => {
    assert.deepEqual(await differences('light'), []);
    for (const [at, { picture }] of examples.entries()) {
      const viewer = outputOf(at, '.flowbook-frames section');
      if ((await viewer.count()) === 0) continue;
      await viewer.scrollIntoViewIfNeeded();
      const png = await viewer.screenshot();
      const name = picture.split('/').at(-1)!;
      keep(`light-${name}`, png);
      const file = join(kept, name);
      if (isWriting) {
        const colours = sharp(png).flatten({ background: '#ffffff' });
        await colours.png({ palette: true, dither: 0, effort: 10 }).toFile(file);
      }
      const [one, other] = await Promise.all([png, readFileSync(file)].map(readPixels));
      assert.equal(await structureDifference(one, other), '', name);
    }
    const seen = ['.vega-embed canvas', '.flowbook-frames section'].map((what) =>
      notebook.page.locator(what).count(),
    );
    const [charts, viewers] = await Promise.all(seen);
    assert.equal(charts + viewers, examples.length, 'nothing is left out');
    assert.equal(viewers, readdirSync(kept).length);
    assert.deepEqual(notebook.complaints, []);
  });

  it('looks the same in the dark theme, and what the viewer says can be read there', async () => {
    const { page } = notebook;
    await chooseMenu(page, 'Settings', 'Theme', 'JupyterLab Dark');
    const dark = page.locator('body[data-jp-theme-light="false"]');
    await dark.waitFor({ state: 'attached', timeout: 30_000 });
    assert.deepEqual(await differences('dark'), []);
    const at = examples.findIndex(({ picture }) => picture.endsWith('/filmstrip.png'));
    const viewer = outputOf(at, '.flowbook-frames section');
    await viewer.scrollIntoViewIfNeeded();
    await keepPicture(page, 'displays-dark');
    const colours = await viewer.locator('h3').evaluate((title) => {
      const view = (title as unknown as { ownerDocument: { defaultView: StyledWindow } })
        .ownerDocument.defaultView;
      const section = (title as unknown as { parentElement: unknown }).parentElement;
      return [view.getComputedStyle(title).color, view.getComputedStyle(section).backgroundColor];
    });
    const [ink, card] = colours.map(hex);
    assert.ok(contrast(ink, card) >= 4.5, `${ink} on ${card}`);
    assert.ok(contrast(card, '#ffffff') > 7, `${card} is dark`);
  });
});

/** Of a page's window, what is asked above. */
interface StyledWindow {
  getComputedStyle(of: unknown): { color: string; backgroundColor: string };
}

/** `rgb(1, 2, 3)` as `#010203`. */
function hex(colour: string): string {
  const channels = colour.match(/[\d.]+/g)!.slice(0, 3);
  return `#${channels.map((one) => Math.round(Number(one)).toString(16).padStart(2, '0')).join('')}`;
}

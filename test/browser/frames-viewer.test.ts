import assert from 'node:assert/strict';
import { keepPicture } from './keep-picture';
import { openCells, runAllCells, type OpenNotebook } from './open-notebook';

const CELLS = [
  `import { comparePictures, display, filmstrip } from '@flowbook/kernel-extensions';
const square = (size: number, [red, green, blue]: number[], share = 1) => {
  const data = new Uint8Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    const inside = i % size < size / 2 && i < (size * size) / 2;
    const noise = 128 + 90 * Math.sin(i * 12.9898) * Math.cos(i * 78.233);
    [red, green, blue].forEach((hue, c) => (data[3 * i + c] = share * (inside ? hue : 230) + (1 - share) * noise));
  }
  return { width: size, height: size, channels: 3 as const, data };
};
await display(filmstrip(Array.from({ length: 11 }, (_, at) => square(32, [214, 40, 40], at / 10)), {
  labels: Array.from({ length: 11 }, (_, at) => 'sigma ' + (1 - at / 10).toFixed(1)),
  captions: Array.from({ length: 11 }, () => '<img src=x onerror=alert(1)>'),
}));`,
  `await display(comparePictures(
  {
    before: { pictures: [square(32, [40, 40, 214]), square(32, [214, 40, 40])], verdicts: [false, true] },
    after: { pictures: [square(32, [214, 40, 40]), square(32, [40, 160, 40])], verdicts: [true, false] },
  },
  { prompts: ['a red square', 'another red square'] },
));
console.log('both are ' + 'there');`,
];

describe('the viewer of frames in JupyterLab', function () {
  this.timeout(300_000);
  let notebook: OpenNotebook;
  before(async () => {
    notebook = await openCells(CELLS);
    await runAllCells(notebook.page);
    await notebook.page.getByText('both are there').waitFor({ timeout: 90_000 });
  });
  afterEach(() => keepPicture(notebook.page, 'frames-viewer'));
  after(() => notebook?.close());

  it('scrubs frame by frame, and shows words as text', async () => {
    const { page, complaints } = notebook;
    const viewer = page.locator('.flowbook-frames').first();
    const slider = viewer.locator('input[type=range]').first();
    const picture = viewer.locator('.viewport img').first();
    assert.equal(await viewer.locator('.label').innerText(), 'sigma 0.0');
    assert.match(await viewer.locator('.note').innerText(), /<img src=x onerror=alert\(1\)>/);
    const seen = new Set([await picture.getAttribute('src')]);
    await slider.focus();
    for (let at = 9; at >= 0; at--) {
      await slider.press('ArrowLeft');
      assert.equal(await viewer.locator('.label').innerText(), `sigma ${(1 - at / 10).toFixed(1)}`);
      seen.add(await picture.getAttribute('src'));
    }
    assert.equal(seen.size, 11, 'every frame is another picture');
    await viewer.locator('.row button').nth(5).click();
    assert.equal(await viewer.locator('.label').innerText(), 'sigma 0.5');
    assert.deepEqual(complaints, []);
  });

  it('zooms all panes alike', async () => {
    const viewer = notebook.page.locator('.flowbook-frames').nth(1);
    await viewer.getByLabel('zoom').last().fill('4');
    const transforms = await viewer
      .locator('.viewport img:not(.over)')
      .evaluateAll((pictures) =>
        pictures.map(
          (picture) => (picture as unknown as { style: { transform: string } }).style.transform,
        ),
      );
    assert.deepEqual(transforms, Array(2).fill('translate(0px, 0px) scale(4)'));
    await viewer.getByLabel('zoom').last().fill('1');
  });

  it("lays one run's picture over the other's, and goes from prompt to prompt", async () => {
    const { page, complaints } = notebook;
    const viewer = page.locator('.flowbook-frames').nth(1);
    assert.equal(await viewer.locator('.label').innerText(), 'a red square');
    assert.deepEqual(await viewer.locator('.note').allInnerTexts(), ['✗', '✓']);
    await viewer.getByText('over each other').click();
    assert.equal(await viewer.locator('.viewport').count(), 1);
    assert.equal(await viewer.locator('.viewport .over').isVisible(), true);
    await viewer.locator('input[type=range]').first().fill('1');
    assert.equal(await viewer.locator('.label').innerText(), 'another red square');
    assert.deepEqual(complaints, []);
  });
});

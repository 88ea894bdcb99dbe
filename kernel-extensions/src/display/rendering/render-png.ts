import { fontFiles } from './font';
import { renderSvg } from './render-svg';
import type { VegaLiteSpec } from './vega-lite-spec';

/** A rendered picture. */
export interface RenderedPng {
  png: Buffer;
  /** Size in CSS pixels; the file has twice as many each way, for sharp screens. */
  width: number;
  height: number;
}

const pixelRatio = 2;

/** Renders a specification to PNG in plain Node, with the bundled font. */
export async function renderPng(spec: VegaLiteSpec): Promise<RenderedPng> {
  const { svg } = await renderSvg(spec);
  const { Resvg } = await import('@resvg/resvg-js');
  const image = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: pixelRatio },
    font: {
      // resvg drops text without a word when it finds no font, so ours are always given.
      fontFiles: fontFiles(),
      loadSystemFonts: false,
      defaultFontFamily: 'DejaVu Sans',
      sansSerifFamily: 'DejaVu Sans',
    },
  }).render();
  return {
    png: image.asPng(),
    width: Math.round(image.width / pixelRatio),
    height: Math.round(image.height / pixelRatio),
  };
}

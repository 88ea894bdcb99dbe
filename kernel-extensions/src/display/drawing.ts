import { type DisplayBundle, displaySymbol, mime } from './bundle';
import type { FramesDocument } from './frames';
import { renderPng } from './rendering/render-png';
import type { VegaLiteSpec } from './rendering/vega-lite-spec';

/** What a display factory computes at once; only the PNG waits until somebody asks for it. */
export interface DrawingParts {
  /** Kebab-case name of what is shown: `sigmas`, `reward-curve`. */
  name: string;
  spec: VegaLiteSpec;
  /** The same facts in words, for terminals and screen readers. */
  text: string;
  /** Its pictures, where there are several to go through. */
  frames?: FramesDocument;
}

/**
 * A display that is ready to be shown. `await drawing` gives its whole bundle (Vega-Lite, PNG, text);
 * `drawing.bundle({ png: false })` leaves out the picture, which takes most of the time. All data was
 * read when the drawing was made, so tensors may be disposed and logs may grow afterwards.
 *
 * @example
 * const drawing = rewardCurve([{ step: 0, reward: 0.2 }, { step: 1, reward: 0.4 }]);
 * const { data } = await drawing;
 * Object.keys(data); // ['application/vnd.vegalite.v5+json', 'image/png', 'text/plain']
 */
export class Drawing implements Promise<DisplayBundle> {
  readonly name: string;
  readonly spec: VegaLiteSpec;
  readonly text: string;
  readonly frames: FramesDocument | undefined;
  readonly [Symbol.toStringTag] = 'Drawing';

  constructor({ name, spec, text, frames }: DrawingParts) {
    this.name = name;
    this.spec = spec;
    this.frames = frames;
    // Numbers copied from a terminal must be numbers: a hyphen, not a minus sign.
    this.text = text.replaceAll('−', '-');
  }

  /** The display's bundle. A picture that cannot be rendered is left out, and the text says why. */
  async bundle({ png = true }: { png?: boolean } = {}): Promise<DisplayBundle> {
    const data: Record<string, unknown> = {
      ...(this.frames && { [mime.frames]: this.frames }),
      [mime.vegaLite]: this.spec,
    };
    const metadata: Record<string, unknown> = {};
    let text = this.text;
    if (png) {
      try {
        const picture = await renderPng(this.spec);
        data[mime.png] = picture.png.toString('base64');
        metadata[mime.png] = { width: picture.width, height: picture.height };
      } catch (error) {
        text += `\n(no image/png: ${error instanceof Error ? error.message : String(error)})`;
      }
    }
    data[mime.plain] = text;
    return { data, metadata, name: this.name };
  }

  [displaySymbol](): Promise<DisplayBundle> {
    return this.bundle();
  }

  then<A = DisplayBundle, B = never>(
    onfulfilled?: ((bundle: DisplayBundle) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.bundle().then(onfulfilled, onrejected);
  }

  catch<B = never>(
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<DisplayBundle | B> {
    return this.bundle().catch(onrejected);
  }

  finally(onfinally?: (() => void) | null): Promise<DisplayBundle> {
    return this.bundle().finally(onfinally);
  }
}

import { dataOf, type MimeBundle } from './bundle';
import { findRenderer } from './renderers';
import { toBundle } from './to-bundle';

/** Where the sdk's objects look for their charts; the sdk itself does not know this package. */
const drawSymbol = Symbol.for('flowbook.display.draw');

/** The chart of a tensor, scheduler, trajectory or picture; null for anything else. Tensors are read at once. */
async function draw(value: object): Promise<MimeBundle | null> {
  const renderer = findRenderer(value);
  return renderer ? dataOf(await toBundle(renderer.draw(value))) : null;
}

(globalThis as { [drawSymbol]?: typeof draw })[drawSymbol] = draw;

import { findPictures, findTensor, findTrajectory, hasSchedule } from './structures';
import { images } from './charts/images';
import { latents } from './charts/latents';
import { sigmas } from './charts/sigmas';
import { tensor } from './charts/tensor';

/** Says how values of one structure look, without knowing their class. */
export interface Renderer {
  name: string;
  /** Whether it draws values of this structure. */
  matches(value: object): boolean;
  /** Anything that `toBundle` takes: a drawing, a MIME bundle, a promise of one. */
  draw(value: object): unknown;
}

const renderers: Renderer[] = [
  {
    name: 'tensor',
    matches: (value) => findTensor(value) !== null,
    draw: (value) => tensor(findTensor(value)!),
  },
  {
    name: 'pictures',
    matches: (value) => findPictures(value) !== null,
    draw: (value) => images(findPictures(value)!),
  },
  {
    name: 'trajectory',
    matches: (value) => findTrajectory(value) !== null,
    draw: (value) => latents(findTrajectory(value)!),
  },
  {
    name: 'scheduler',
    matches: hasSchedule,
    draw: (value) => (hasSchedule(value) ? sigmas(value) : value),
  },
];

/**
 * Registers how values of a structure look in `toBundle`, before all renderers so far.
 * Returns a function that takes it back.
 *
 * @example
 * const remove = registerRenderer({
 *   name: 'point',
 *   matches: (value) => 'x' in value && 'y' in value,
 *   draw: (value) => ({ 'text/plain': `a point` }),
 * });
 * remove();
 */
export function registerRenderer(renderer: Renderer): () => void {
  renderers.unshift(renderer);
  return () => {
    const index = renderers.indexOf(renderer);
    if (index >= 0) renderers.splice(index, 1);
  };
}

/**
 * The renderer for a value, or undefined.
 *
 * @example
 * findRenderer(tf.zeros([2]))?.name; // 'tensor'
 */
export function findRenderer(value: object): Renderer | undefined {
  return renderers.find((renderer) => renderer.matches(value));
}

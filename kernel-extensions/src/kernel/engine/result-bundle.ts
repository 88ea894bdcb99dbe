import {
  displaySymbol,
  isDisplayBundle,
  isMimeBundle,
  type DisplayBundle,
} from '../../display/bundle';
import { isTensorLike } from '../../display/tensor-like';
import { toBundle } from '../../display/to-bundle';
import type { KernelDialect } from './dialects/dialect';

/** How a cell's value is shown: values without a display of their own as the notebook's own kernel shows them. */
export async function resultBundle(
  value: unknown,
  { format }: Pick<KernelDialect, 'format'>,
): Promise<DisplayBundle> {
  if (!format || hasDisplay(value)) return toBundle(value);
  if (typeof value !== 'object' || value === null || isThenable(value)) {
    return { data: format(value) ?? {}, metadata: {} };
  }
  const bundle = await toBundle(value);
  const isPlain = Object.keys(bundle.data).every((type) => type === 'text/plain');
  const data = isPlain ? format(value) : undefined;
  return data ? { data, metadata: {} } : bundle;
}

function hasDisplay(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (
    displaySymbol in value || isDisplayBundle(value) || isMimeBundle(value) || isTensorLike(value)
  );
}

function isThenable(value: object): boolean {
  return typeof (value as { then?: unknown }).then === 'function';
}

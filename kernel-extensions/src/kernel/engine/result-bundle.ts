import {
  displaySymbol,
  isDisplayBundle,
  isMimeBundle,
  type DisplayBundle,
} from '../../display/bundle';
import { findRenderer } from '../../display/renderers';
import { isTensorLike } from '../../display/tensor-like';
import { toBundle } from '../../display/to-bundle';
import type { KernelDialect } from './dialects/dialect';

/**
 * How a value without a display of its own is shown by the kernel that its notebook was written for; null where
 * Flowbook shows it. Looks at the value as it is now, which a promise soon is not any more.
 */
export function plainBundle(
  value: unknown,
  { format }: Pick<KernelDialect, 'format'>,
): DisplayBundle | null {
  const data = hasDisplay(value) ? undefined : format?.(value);
  return data ? { data, metadata: {} } : null;
}

/** How a cell's value is shown: values without a display of their own as the notebook's own kernel shows them. */
export async function resultBundle(
  value: unknown,
  dialect: Pick<KernelDialect, 'format'>,
): Promise<DisplayBundle> {
  return plainBundle(value, dialect) ?? toBundle(value);
}

function hasDisplay(value: unknown): boolean {
  if (typeof value === 'function') return displaySymbol in value;
  if (typeof value !== 'object' || value === null) return false;
  if (displaySymbol in value || isDisplayBundle(value) || isMimeBundle(value)) return true;
  return isTensorLike(value) || findRenderer(value) !== undefined;
}

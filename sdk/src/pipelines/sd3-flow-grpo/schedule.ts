import { shiftFor, type ShiftConfig } from '../shift-for';
import { tokenGrid } from '../token-grid';

/** mu at the largest picture for a scheduler that does not say; other architectures have 1.15. */
const MAX_SHIFT = 1.16;

/** The shift mu for a picture's size in pixels; null for a scheduler with a static shift. */
export function shiftForPicture(
  height: number,
  width: number,
  config: ShiftConfig & { use_dynamic_shifting: boolean },
): number | null {
  if (!config.use_dynamic_shifting) return null;
  const [rows, columns] = tokenGrid(height, width);
  return shiftFor(rows * columns, { ...config, max_shift: config.max_shift ?? MAX_SHIFT });
}

import { existsSync, realpathSync } from 'node:fs';

/** Whether two paths are those of one file or folder, also where links lead there. What is not there is no place yet. */
export function isSamePlace(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other);
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/**
 * Bytes for people, in powers of 1000 as disks and hubs count them.
 *
 * @example
 * formatBytes(57_704_595_216); // '57.7 GB'
 */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

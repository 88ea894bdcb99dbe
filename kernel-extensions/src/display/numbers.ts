/** A number for people: four significant digits, `1.2e-7` beyond 1e-4 and 1e6, NaN and ∞ by name. */
export function format(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text =
    Number.isInteger(value) && size < 1e6
      ? String(size)
      : size < 1e-4 || size >= 1e6
        ? Number(size.toPrecision(3)).toExponential().replace('e+', 'e')
        : String(Number(size.toPrecision(4)));
  return value < 0 ? `−${text}` : text;
}

/** A number for a specification: six significant digits keep charts small; null if not finite. */
export function compact(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : null;
}

/** `1 step`, `3 steps`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Longest text of a value in a message, in characters. */
const LONGEST = 200;

/** A value as messages show it: JSON, cut off where it is long. What comes from files may nest deeper than JSON can be written. */
export function showValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    return 'a value that nests too deeply to be shown';
  }
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

import type { RandomKey } from '@flowbook/sdk';

/** Texts that readers have stumbled over. */
const AWKWARD = [
  '__proto__',
  'constructor',
  '../../../../etc/passwd',
  '/etc/passwd',
  '1e999',
  '-1',
  '9007199254740993',
  '18446744073709551615',
  '4294967296',
  'null',
  '[[[[[[[[',
  '{"a":',
  '\\u0000',
  '(a+)+$',
  '{% for a in range(999999999) %}{% endfor %}',
];

/** Draws whole numbers below a limit, one after the other. */
function drawer(key: RandomKey): (below: number) => number {
  let count = 0;
  return (below) => key.fold(count++).integer(0, Math.max(1, below));
}

/** A file with one to four changes: bits, bytes, lengths, pieces moved, doubled or cut, and awkward texts. */
export function mutated(bytes: Buffer, key: RandomKey): Buffer {
  const draw = drawer(key);
  let result: Buffer = Buffer.from(bytes);
  for (let changes = 1 + draw(4); changes > 0; changes--) {
    const at = draw(result.length);
    // Headers decide most: half of the changes are near the beginning.
    const place = draw(2) === 0 ? at % Math.min(result.length || 1, 256) : at;
    const piece = result.subarray(place, place + 1 + draw(64));
    const head = result.subarray(0, place);
    const tail = result.subarray(place);
    switch (draw(7)) {
      case 0:
        if (result.length > 0) result[place] ^= 1 << draw(8);
        break;
      case 1:
        if (result.length > 0) result[place] = [0, 255, 127, 34, 123, 93][draw(6)];
        break;
      case 2:
        result = Buffer.from(head);
        break;
      case 3:
        result = Buffer.concat([head, piece, tail]);
        break;
      case 4:
        result = Buffer.concat([head, tail.subarray(piece.length)]);
        break;
      case 5:
        result = Buffer.concat([head, Buffer.from(AWKWARD[draw(AWKWARD.length)]), tail]);
        break;
      default:
        result = numberReplaced(result, AWKWARD[draw(AWKWARD.length)], draw);
    }
  }
  return result;
}

/** Another text in the place of a number or a string of JSON, where the file has one. */
function numberReplaced(bytes: Buffer, by: string, draw: (below: number) => number): Buffer {
  const text = bytes.subarray(0, 20_000).toString('latin1');
  const places = [...text.matchAll(/-?\d+(?:\.\d+)?|"[^"\n]{1,40}"/g)];
  if (places.length === 0) return bytes;
  const { index, 0: old } = places[draw(places.length)];
  const value = old.startsWith('"') ? JSON.stringify(by) : by;
  return Buffer.concat([
    bytes.subarray(0, index),
    Buffer.from(value),
    bytes.subarray(index + old.length),
  ]);
}

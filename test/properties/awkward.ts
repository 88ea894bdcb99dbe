import fc from 'fast-check';

/** Names that have tripped readers of JSON: members of objects, empty, with quotes, other scripts. */
export const names = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '0', '-1', 'a.b'),
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);

/** Values that a setting may wrongly have. */
export const values: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, '', 'gelu', '1', [], {}, [1, 2]),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 3 }),
);

/** One bracket within the other. */
export const deepJson = fc
  .tuple(fc.constantFrom(1, 2, 10, 100, 1_000, 20_000), fc.boolean())
  .map(([depth, isList]) =>
    isList
      ? '['.repeat(depth) + ']'.repeat(depth)
      : '{"a":'.repeat(depth) + '1' + '}'.repeat(depth),
  );

/** Bytes with some of them changed, cut off, doubled or put in between. */
export function damaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const change = fc.record({
    kind: fc.constantFrom('flip', 'cut', 'insert', 'drop', 'double'),
    at: place,
    length: fc.nat(12),
    byte: fc.nat(255),
  });
  return fc.tuple(bytes, fc.array(change, { minLength: 1, maxLength: 3 })).map(([whole, changes]) =>
    changes.reduce((before, { kind, at, length, byte }) => {
      const start = Math.floor(at * before.length);
      const [head, tail] = [before.subarray(0, start), before.subarray(start)];
      if (kind === 'flip') return Buffer.concat([head, Uint8Array.of(byte), tail.subarray(1)]);
      if (kind === 'cut') return Uint8Array.from(head);
      if (kind === 'insert') {
        return Buffer.concat([head, Uint8Array.from({ length }, () => byte), tail]);
      }
      if (kind === 'drop') return Buffer.concat([head, tail.subarray(length)]);
      return Buffer.concat([head, tail.subarray(0, length), tail]);
    }, whole),
  );
}

/** An object with some members replaced, removed or added. */
export function tampered<Json extends object>(
  json: fc.Arbitrary<Json>,
): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .tuple(
      json,
      fc.array(
        fc.record({
          at: fc.nat(200),
          depth: fc.nat(3),
          value: values,
          name: names,
          kind: fc.constantFrom('set', 'set', 'delete', 'add'),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    )
    .map(([whole, changes]) => {
      const copy = JSON.parse(JSON.stringify(whole)) as Record<string, unknown>;
      for (const { at, depth, value, name, kind } of changes) {
        let owner = copy;
        for (let level = 0; level < depth; level++) {
          const inner = Object.values(owner).filter(
            (child): child is Record<string, unknown> =>
              typeof child === 'object' && child !== null,
          );
          if (inner.length === 0) break;
          owner = inner[at % inner.length];
        }
        const keys = Object.keys(owner);
        const key = keys[at % Math.max(1, keys.length)];
        const member = kind === 'add' || key === undefined ? name : key;
        if (Array.isArray(owner) && member === 'length') continue;
        if (kind === 'delete') delete owner[member];
        // Also __proto__ becomes a member of its own, as JSON.parse makes it.
        else
          Object.defineProperty(owner, member, {
            value: structuredClone(value),
            enumerable: true,
            configurable: true,
            writable: true,
          });
      }
      return copy;
    });
}

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJson } from '../../../sdk/src/io/write-json';

describe('writeJson()', () => {
  it('writes keys in order, two spaces and a line break at the end, and nothing that is undefined', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-json-'));
    try {
      const file = join(folder, 'config.json');
      writeJson(file, { shift: 3, _class_name: 'X', beta: undefined, base: [1], alpha: null });
      assert.equal(
        readFileSync(file, 'utf8'),
        '{\n  "_class_name": "X",\n  "alpha": null,\n  "base": [\n    1\n  ],\n  "shift": 3\n}\n',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

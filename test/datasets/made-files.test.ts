import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allFiles } from '../../datasets/make/all-files';
import type { FileContents } from '../../datasets/make/file-contents';

const folder = join(__dirname, '../../datasets');

describe('npm run datasets', function () {
  this.timeout(120_000);
  let made: FileContents;
  before(async () => {
    made = await allFiles();
  });

  it('makes every data file byte for byte', () => {
    for (const [path, bytes] of Object.entries(made)) {
      assert.ok(Buffer.from(bytes).equals(readFileSync(join(folder, path))), path);
    }
  });

  it('makes what the READMEs say, with as many lines', () => {
    for (const [path, bytes] of Object.entries(made)) {
      const [name, file] = path.split('/');
      const readme = readFileSync(join(folder, name, 'README.md'), 'utf8');
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${file}\` |`));
      assert.ok(row, `${path} has a row`);
      if (!file.endsWith('.jsonl')) continue;
      const lines = Buffer.from(bytes).toString().split('\n').length - 1;
      assert.equal(Number(row.split('|')[2]), lines, path);
    }
  });
});

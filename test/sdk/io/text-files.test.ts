import assert from 'node:assert/strict';
import fs, {
  appendFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { pixelImage, readImage, writeImage } from '../../../sdk/src';
import { appendJsonLine } from '../../../sdk/src/io/append-json-line';
import { carryComponent, copyFiles } from '../../../sdk/src/io/component-files';
import { holdFiles } from '../../../sdk/src/io/held-files';
import { readJsonLines } from '../../../sdk/src/io/json-lines';
import { decodeImage, toJpeg } from '../../../sdk/src/io/image-file';
import { openSafetensors } from '../../../sdk/src/io/safetensors';
import { readJsonObject } from '../../../sdk/src/io/read-json';
import { readText } from '../../../sdk/src/io/read-text';
import { writeAtomically } from '../../../sdk/src/io/write-atomically';
import { writeProblem } from '../../../sdk/src/io/write-problem';
import { inFolder } from '../training/run/small-runs';

describe('appendJsonLine()', () => {
  it('makes the folder and the file, and adds whole lines', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a/b/log.jsonl');
      appendJsonLine(file, { step: 1 });
      appendJsonLine(file, { step: 2, text: 'ü\n' });
      assert.equal(readFileSync(file, 'utf8'), '{"step":1}\n{"step":2,"text":"ü\\n"}\n');
    }));

  it('takes away a last line that was cut off, also when it is the only one', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'log.jsonl');
      appendJsonLine(file, 1);
      appendFileSync(file, '{"step":2,"te');
      appendJsonLine(file, 3);
      assert.equal(readFileSync(file, 'utf8'), '1\n3\n');
      writeFileSync(file, '{"st');
      appendJsonLine(file, 4);
      assert.equal(readFileSync(file, 'utf8'), '4\n');
    }));

  it('says why it cannot', () =>
    inFolder(async (folder) => {
      assert.throws(() => appendJsonLine(folder, 1), {
        message: new RegExp(`^Cannot write a line to "${folder}": EISDIR`),
      });
    }));
});

describe('writeProblem()', () => {
  for (const [code, rule] of [
    ['ENOSPC', ' as the disk must have room'],
    ['EDQUOT', ' as the quota must have room'],
    ['EROFS', ' as its folder must not be on a read-only disk'],
    ['EACCES', ' as its folder must be writable'],
    ['EPERM', ' as its folder must be writable'],
    ['EMFILE', ' as the process must not have too many files open'],
    ['EIO', ''],
  ]) {
    it(`says what ${code} asks for, and keeps it`, () => {
      const cause = Object.assign(new Error('why'), { code });
      const problem = writeProblem('"a"', cause) as NodeJS.ErrnoException;
      assert.equal(problem.message, `Cannot write "a"${rule}: why`);
      assert.deepEqual([problem.code, problem.cause], [code, cause]);
    });
  }

  it('takes errors that have no code', () => {
    assert.equal(writeProblem('"a"', new Error('why')).message, 'Cannot write "a": why');
  });
});

describe('copyFiles()', () => {
  it('copies files, all or those that are named, no folders, and nothing onto itself', () =>
    inFolder(async (folder) => {
      const [from, all, some] = ['from', 'all', 'some'].map((name) => join(folder, name));
      mkdirSync(join(from, 'inner'), { recursive: true });
      for (const name of ['a.txt', 'b.txt', 'inner/c.txt']) writeFileSync(join(from, name), name);
      copyFiles(from, all);
      copyFiles(from, some, ['b.txt', 'other.txt']);
      copyFiles(from, join(from, '../from'));
      const there = (at: string) =>
        ['a.txt', 'b.txt', 'inner', 'other.txt'].map((name) => existsSync(join(at, name)));
      assert.deepEqual(
        [there(all), there(some)],
        [
          [true, true, false, false],
          [false, true, false, false],
        ],
      );
      assert.equal(readFileSync(join(some, 'b.txt'), 'utf8'), 'b.txt');
      assert.equal(readFileSync(join(from, 'a.txt'), 'utf8'), 'a.txt');
    }));
});

describe('carryComponent()', () => {
  it('writes weights anew in the wanted type, and copies what has none', () =>
    inFolder(async (folder) => {
      const model = join(__dirname, '../../../datasets/tiny-qwen-image');
      for (const part of ['vae', 'scheduler']) {
        carryComponent(join(model, part), {}, join(folder, part), { dtype: 'bfloat16' });
      }
      const weights = openSafetensors(join(folder, 'vae/diffusion_pytorch_model.safetensors'));
      assert.equal(weights.info('quant_conv.bias').dtype, 'BF16');
      weights.close();
      assert.ok(existsSync(join(folder, 'vae/config.json')));
      const [from, to] = [model, folder].map((at) =>
        readFileSync(join(at, 'scheduler/scheduler_config.json'), 'utf8'),
      );
      assert.equal(to, from);
    }));
});

describe('writeAtomically()', () => {
  it('throws what its writer throws as it is, and leaves what was there before', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.txt');
      writeFileSync(file, 'before');
      const own = new RangeError('own');
      assert.throws(
        () =>
          writeAtomically(file, (append) => {
            append(Buffer.from('half'));
            throw own;
          }),
        (error) => error === own,
      );
      assert.equal(readFileSync(file, 'utf8'), 'before');
      assert.deepEqual(readdirSync(folder), ['a.txt']);
    }));

  it('has the bytes on the disk before the file gets its name, and then the name', () =>
    inFolder(async (folder) => {
      const { fsyncSync, renameSync } = fs;
      const order: string[] = [];
      fs.fsyncSync = (descriptor) => {
        order.push(fstatSync(descriptor).isDirectory() ? 'folder' : 'file');
        fsyncSync(descriptor);
      };
      fs.renameSync = (from, to) => {
        order.push('name');
        renameSync(from, to);
      };
      try {
        writeAtomically(join(folder, 'a.txt'), (append) => append(Buffer.from('a')));
      } finally {
        Object.assign(fs, { fsyncSync, renameSync });
      }
      // Windows does not need the last one.
      assert.deepEqual(order.slice(0, 3), ['file', 'name', 'folder'].slice(0, order.length));
      assert.ok(order.length === 3 || process.platform === 'win32');
    }));
});

describe('readText() and readJsonObject()', () => {
  it('name the file that is missing, no UTF-8, no JSON or no object', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.json');
      const missing = new RegExp(`^Cannot read "${file}": ENOENT`);
      const isCause = ({ message, cause }: Error) =>
        missing.test(message) && (cause as NodeJS.ErrnoException).code === 'ENOENT';
      assert.throws(() => readText(file), isCause);
      assert.throws(() => readJsonObject(file), isCause);
      writeFileSync(file, Buffer.of(0x22, 0xff, 0x22));
      assert.throws(() => readText(file), { message: new RegExp(`^Cannot read "${file}": `) });
      writeFileSync(file, '{"a": "ü"}');
      assert.equal(readText(file), '{"a": "ü"}');
      assert.deepEqual(readJsonObject(file), { a: 'ü' });
      writeFileSync(file, '{"a"');
      assert.throws(
        () => readJsonObject(file),
        ({ message, cause }: Error) =>
          /^Cannot read ".*" as it must be JSON: /.test(message) && cause instanceof SyntaxError,
      );
      for (const value of ['[1]', 'null', '"a"', '7']) {
        writeFileSync(file, value);
        assert.throws(() => readJsonObject(file), {
          message: `Cannot read "${file}" as it must hold a JSON object: current value is ${value}`,
        });
      }
    }));
});

describe('readJsonLines()', () => {
  it('reads a value a line, and names the line that is none', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.jsonl');
      writeFileSync(file, '{"a":1}\n\n \n[2]\n"th');
      assert.deepEqual(readJsonLines(file, { isGrowing: true }), [{ a: 1 }, [2]]);
      const isSaid = ({ message, cause }: Error) =>
        message.startsWith(`Cannot read "${file}" as every line must be JSON: line 5 is not (`) &&
        cause instanceof SyntaxError;
      assert.throws(() => readJsonLines(file), isSaid);
      writeFileSync(file, '1\n{\n3\n');
      assert.throws(() => readJsonLines(file, { isGrowing: true }), /line 2 is not/);
    }));
});

describe('decodeImage()', () => {
  it('says what it reads and why it cannot', async () => {
    await assert.rejects(decodeImage(Buffer.from('no picture')), ({ message, cause }: Error) => {
      assert.match(message, /^Cannot read a picture as it must be a whole picture: /);
      return cause instanceof Error;
    });
  });

  it('lays transparency on white', async () => {
    const raw = { width: 1, height: 1, channels: 4 } as const;
    const clear = await sharp(Uint8Array.of(0, 0, 0, 0), { raw })
      .png()
      .toBuffer();
    assert.deepEqual([...(await decodeImage(clear)).data], [255, 255, 255]);
  });
});

describe('toJpeg()', () => {
  it('is as good as it is asked to be, by default of quality 95', async () => {
    const noise = Array.from({ length: 32 * 32 * 3 }, (_, at) => (at * at * 7919) % 256);
    const image = pixelImage(32, 32, noise);
    const length = async (options?: { quality: number }) => (await toJpeg(image, options)).length;
    assert.equal(await length(), await length({ quality: 95 }));
    assert.ok((await length({ quality: 50 })) < (await length({ quality: 90 })));
    assert.ok((await length({ quality: 90 })) < (await length()));
    const { chromaSubsampling } = await sharp(await toJpeg(image)).metadata();
    assert.equal(chromaSubsampling, '4:2:0');
  });
});

describe('holdFiles()', () => {
  it('hands over what is written meanwhile, as it was then, and nothing after a failure', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.txt');
      const bytes = Buffer.from('ab');
      const write = () => writeAtomically(file, (append) => append(bytes));
      const files = holdFiles(write);
      bytes[0] = 0x63;
      assert.deepEqual(
        files.map(({ path, parts }) => [path, parts.map(String)]),
        [[file, ['97,98']]],
      );
      assert.equal(existsSync(file), false);
      assert.throws(() => holdFiles(() => void holdFiles(() => {})), {
        message: 'Cannot hold files as nothing else must hold them at the time',
      });
      write();
      assert.equal(readFileSync(file, 'utf8'), 'cb');
    }));
});

describe('writeImage()', () => {
  const image = pixelImage(2, 1, [250, 0, 0, 250, 0, 0]);

  it('writes what readImage() reads: PNG as it is, JPEG nearly', () =>
    inFolder(async (folder) => {
      for (const [name, tolerance] of [
        ['a.png', 0],
        ['a.JPG', 8],
        ['a.jpeg', 8],
      ] as const) {
        const path = join(folder, name);
        await writeImage(path, image);
        const { width, height, data } = await readImage(path);
        assert.deepEqual([width, height], [2, 1]);
        data.forEach((byte, at) => assert.ok(Math.abs(byte - image.data[at]) <= tolerance, name));
      }
      assert.equal(readFileSync(join(folder, 'a.png')).subarray(1, 4).toString(), 'PNG');
    }));

  it('refuses other names', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.gif');
      await assert.rejects(writeImage(path, image), {
        message: `Cannot write a picture as the name must end in .png, .jpg or .jpeg: current value is "${path}"`,
      });
      assert.equal(existsSync(path), false);
    }));
});

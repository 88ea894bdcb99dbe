import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectObjects, judgePicture, loadPrompts, pixelImage, readDigits } from '@flowbook/sdk';
import fc from 'fast-check';
import { readScores } from '../../sdk/src/rewards/http/read-scores';
import { encodeSafetensors } from '../../sdk/src/io/write-safetensors';
import { wanted } from '../sdk/rewards/shapes/scenes';
import { damaged, tampered } from './awkward';
import { holds, inputFolder, outcomeOf } from './property';

const tensor = {
  dtype: 'F32',
  shape: [3],
  bytes: () => new Uint8Array(Float32Array.of(1, 2, 3).buffer),
} as const;

describe("servers' answers", () => {
  const contentTypes = fc.constantFrom(
    'application/json',
    'application/problem+json',
    'application/safetensors',
    'application/octet-stream',
    'text/html',
    '',
  );
  const bodies = fc.oneof(
    tampered(fc.constant({ scores: [1, 2, 3] })).map((json) => Buffer.from(JSON.stringify(json))),
    fc.json().map((text) => Buffer.from(text)),
    damaged(fc.constant(Buffer.from('{"scores": [1, 2.5, -3]}'))),
    damaged(fc.constant(Buffer.from(encodeSafetensors([['scores', tensor]], {})))),
    fc.uint8Array({ maxLength: 40 }),
  );

  holds(
    'an answer of any form is refused in words, or has one finite number a picture',
    fc.record({ contentType: contentTypes, bytes: bodies, count: fc.integer({ min: 0, max: 4 }) }),
    ({ contentType, bytes, count }) => {
      const outcome = outcomeOf(() => readScores({ contentType, bytes }, 'a server', count));
      if ('error' in outcome) return;
      assert.equal(outcome.value.length, count);
      assert.ok(outcome.value.every(Number.isFinite));
    },
  );
});

describe('prompt files', () => {
  const folder = inputFolder();
  holds(
    'rows of any form are refused in words, or give a prompt each',
    fc.array(
      fc.oneof(
        tampered(
          fc.constant({
            prompt: [{ role: 'user', content: 'a red circle' }],
            negative_prompt: [{ role: 'user', content: ' ' }],
            extra_info: { raw_prompt: 'a red circle' },
          }),
        ),
        tampered(fc.constant({ prompt: 'a red circle' })),
        fc.jsonValue({ maxDepth: 1 }),
      ),
      { maxLength: 4 },
    ),
    async (rows) => {
      const path = join(folder.path, 'prompts.jsonl');
      writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      const records = await loadPrompts(path).catch((error: Error) => {
        assert.match(error.message, /^Cannot read prompts from ".*" as row \d+ must have a prompt/);
        return [];
      });
      assert.ok(records.every(({ prompt }) => typeof prompt === 'string' && prompt.trim() !== ''));
    },
  );
});

describe('pictures', () => {
  const pictures = fc
    .tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }))
    .chain(([width, height]) =>
      fc
        .uint8Array({ minLength: 3 * width * height, maxLength: 3 * width * height })
        .map((data) => pixelImage(width, height, data)),
    );
  const prompt = wanted('a red circle and a blue square', ['circle red', 'square blue']);

  holds('pictures of any size and content are judged and read', pictures, (image) => {
    const { reward, correct, explanation } = judgePicture(image, prompt);
    assert.ok(reward >= 0 && reward <= 1 && correct === (reward === 1));
    assert.ok(explanation.length > 0);
    assert.ok(detectObjects(image).every(({ area }) => area >= 20));
    assert.match(readDigits(image), /^[\d?]*$/);
  });
});

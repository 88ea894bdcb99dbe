// What mutation testing and coverage are about: five folders of the SDK, and the tests that are theirs.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export const folders = ['core', 'schedulers', 'losses', 'advantages', 'io'];

/** Tests elsewhere that are about these folders. */
const others = [
  'test/contracts/advantages.test.ts',
  'test/contracts/losses.test.ts',
  'test/contracts/registries.test.ts',
  'test/contracts/transitions.test.ts',
  'test/golden/golden.test.ts',
  'test/properties/other-files.test.ts',
  'test/properties/rewards.test.ts',
  'test/properties/safetensors.test.ts',
  'test/sdk/models/lora.test.ts',
  'test/sdk/rewards/http/http-reward.test.ts',
  'test/sdk/rewards/load-prompts.test.ts',
  'test/sdk/tensorflow/random.test.ts',
  'test/sdk/tokenizers',
  'test/sdk/training/choose-micro-batch.test.ts',
  'test/trust/hostile-files.test.ts',
  'test/trust/run-lock.test.ts',
];

/** The test files, of a clone or of a copy of it, the quick ones first. */
export function testFiles(root) {
  return [...folders.map((folder) => `test/sdk/${folder}`), ...others].flatMap((place) =>
    place.endsWith('.ts')
      ? [join(root, place)]
      : readdirSync(join(root, place), { recursive: true })
          .filter((name) => name.endsWith('.test.ts'))
          .sort()
          .map((name) => join(root, place, name)),
  );
}

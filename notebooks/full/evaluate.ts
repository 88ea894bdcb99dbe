// npm run evaluate -- notebooks/results/NN-NAME-seedS.json: makes the pictures of a kept result anew and counts the right ones.
import { dirname, join } from 'node:path';
import { evaluateWeights } from './evaluate-weights';
import { recipeOf } from './recipes';
import { readResult } from './result';

async function main(): Promise<void> {
  const [path, ...rest] = process.argv.slice(2);
  if (path === undefined || rest.length > 0) {
    throw new Error(
      'Cannot evaluate as one result must be named, such as notebooks/results/01-flow-grpo-seed1.json',
    );
  }
  const result = readResult(path);
  const { accuracy, byKind, pictures } = await evaluateWeights(
    recipeOf(result),
    join(dirname(path), result.weights),
    null,
  );
  for (const [kind, share] of Object.entries(byKind)) console.log(kind, share.toFixed(3));
  console.log(`${pictures} pictures; ${result.after.toFixed(3)} when it was kept`);
  console.log(`held-out ${accuracy.toFixed(3)}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rewardCurve } from '@flowbook/kernel-extensions';
import {
  advantageEstimators,
  readRunRecord,
  runTraining,
  writeSafetensors,
  type LogLine,
  type TrainingResult,
} from '@flowbook/sdk';
import { evaluateWeights, loadModel } from './evaluate-weights';
import { curveEvaluation, type HeldOut } from './held-out';
import { lastMeans } from './last-means';
import { RESULTS, ROOT } from './places';
import { recipeName, type FullRecipe } from './recipe';
import { readResult, recipeResult, type RecipeResult } from './result';
import { registerShuffled, SHUFFLED } from './shuffled-advantages';

/** Points of a curve. */
const CURVE_POINTS = 12;

export interface RunRecipeOptions {
  seed: number;
  signal: AbortSignal;
  onProgress: (line: string) => void;
  /** Where results are kept, and the folders of their runs. Default: the repository's. */
  places?: { results: string; runs: string };
}

const PLACES = { results: RESULTS, runs: join(ROOT, 'runs', 'full') };

/** Names of a result's files, without their ends. */
export function resultName(recipe: FullRecipe, seed: number): string {
  return `${recipeName(recipe)}-seed${seed}`;
}

/**
 * The full run of a recipe with a seed: held-out accuracy before and after training, and after training on shuffled
 * advantages, which what a recipe is compared with does without. What was stopped goes on where it was; what is there is not made again.
 *
 * @returns The path of the result.
 */
export async function runRecipe(recipe: FullRecipe, options: RunRecipeOptions): Promise<string> {
  const { seed, signal, onProgress, places = PLACES } = options;
  const name = resultName(recipe, seed);
  const kept = (end: string) => join(places.results, `${name}.${end}`);
  const path = kept('json');
  if (!existsSync(path)) {
    const trained = await train(recipe, name, null, options);
    const weights = kept('safetensors');
    mkdirSync(places.results, { recursive: true });
    copyFileSync(join(trained.folder, 'weights.safetensors'), weights);
    onProgress(`${name}: held-out pictures, before and after`);
    const before = await evaluateWeights(recipe, null, signal);
    const after = await evaluateWeights(recipe, weights, signal);
    write(path, makeResult(recipe, seed, trained, before, after, basename(weights)));
    writeFileSync(kept('png'), await curvePicture(name, trained.result.log));
    onProgress(`${name}: ${before.accuracy} before, ${after.accuracy} after`);
  }
  const result = readResult(path);
  if (result.control === null && recipe.comparison === undefined) {
    const control = await train(recipe, `${name}-control`, SHUFFLED, options);
    const weights = join(control.folder, 'weights.safetensors');
    const { accuracy } = await evaluateWeights(recipe, weights, signal);
    write(path, { ...result, control: accuracy });
    onProgress(`${name}: ${accuracy} with shuffled advantages`);
  }
  return path;
}

interface Trained {
  folder: string;
  result: TrainingResult;
}

async function train(
  recipe: FullRecipe,
  name: string,
  advEstimator: string | null,
  { seed, signal, onProgress, places = PLACES }: RunRecipeOptions,
): Promise<Trained> {
  const folder = join(places.runs, name);
  mkdirSync(folder, { recursive: true });
  if (advEstimator === SHUFFLED) registerShuffled(seed, () => trainer.stepsDone);
  const pipeline = await loadModel(recipe);
  const run = { resume: 'auto', runDirectory: folder } as const;
  const trainer = recipe.trainer(pipeline, {
    seed,
    steps: recipe.steps,
    evaluation: curveEvaluation(Math.ceil(recipe.steps / CURVE_POINTS)),
    ...(advEstimator === null ? {} : { advEstimator }),
    ...run,
  });
  try {
    const result = await runTraining(trainer, {
      ...run,
      signal,
      checkpointEverySteps: 50,
      onStep: ({ step, seconds, reward, loss, evaluation }) => {
        if (step % 10 !== 0) return;
        const found = evaluation?.exact ? `, held out ${evaluation.exact.share.toFixed(3)}` : '';
        const at = `${name} step ${step} of ${recipe.steps}, ${seconds.toFixed(0)} s`;
        const seen =
          reward === undefined ? `loss ${loss.toFixed(4)}` : `reward ${reward.toFixed(3)}`;
        onProgress(`${at}: ${seen}${found}`);
      },
    });
    if (result.stopped === 'aborted') throw new Error(`${name} was stopped`);
    const values = trainer.state?.average?.values ?? pipeline.transformer.trainableVariables();
    writeSafetensors(join(folder, 'weights.safetensors'), new Map(values), { dtype: 'BF16' });
    return { folder, result };
  } finally {
    trainer.dispose();
    pipeline.dispose();
    if (advEstimator === SHUFFLED) advantageEstimators.unregister(SHUFFLED);
  }
}

function makeResult(
  recipe: FullRecipe,
  seed: number,
  { folder, result: { log } }: Trained,
  before: HeldOut,
  after: HeldOut,
  weights: string,
): RecipeResult {
  const record = readRunRecord(folder);
  if (record === null) throw new Error(`Cannot keep a result as "${folder}" must have run.json`);
  const measured = log.filter((line) => line['evaluation/exact'] !== undefined);
  const { processor, processors, memoryBytes, platform, architecture } = record.machine;
  return {
    recipe: recipeName(recipe),
    seed,
    commit: record.git?.commit ?? 'unknown',
    config: { model: recipe.model, steps: recipe.steps, ...recipe.settings },
    before: before.accuracy,
    after: after.accuracy,
    control: null,
    pictures: after.pictures,
    seconds: Math.round(record.seconds),
    kinds: Object.fromEntries(
      Object.entries(after.byKind).map(([kind, value]) => [
        kind,
        { before: before.byKind[kind], after: value },
      ]),
    ),
    curve: measured.map((line) => ({
      step: line.step,
      seconds: line.seconds,
      train: line.exact ?? null,
      heldOut: line['evaluation/exact'],
      kl: line.approxKl ?? null,
      diversity: line['evaluation/diversity'] ?? null,
    })),
    last: lastMeans(log),
    weights,
    versions: record.versions,
    machine: { processor, processors, memoryBytes, platform, architecture } as never,
  };
}

async function curvePicture(name: string, log: readonly LogLine[]): Promise<Buffer> {
  const shown = ['reward', 'actor/implicit_acc', 'loss'];
  const reward = shown.find((field) => log.some((line) => field in line));
  const { data } = await rewardCurve(log, { smoothing: 8, title: name, reward });
  return Buffer.from(String(data['image/png']), 'base64');
}

function write(path: string, result: RecipeResult): void {
  writeFileSync(path, `${JSON.stringify(recipeResult.parse(result), null, 2)}\n`);
}

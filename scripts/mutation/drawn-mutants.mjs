// Takes a sample of the changes that Stryker has found, before it tries any: Stryker itself can only be told of places, and
// one place may hold many.
import { PluginKind, declareClassPlugin } from '@stryker-mutator/api/plugin';

/** What is drawn, and how many there were; the script beside says it, in the process that Stryker reports in. */
export const drawing = { sample: Infinity, seed: 1, of: 0 };

/** Numbers from 0 to 1 by mulberry32. */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class DrawnMutants {
  #tried = 0;
  #planned = 0;

  onMutationTestingPlanReady({ mutantPlans }) {
    const draw = random(drawing.seed);
    const drawn = mutantPlans
      .filter(({ mutant }) => mutant.status !== 'Ignored')
      .map((plan) => ({ plan, by: draw() }));
    drawing.of = drawn.length;
    const taken = drawn.sort((a, b) => a.by - b.by).slice(0, drawing.sample);
    // The array is Stryker's own plan of what to try.
    mutantPlans.splice(0, Infinity, ...taken.map(({ plan }) => asReached(plan)));
    this.#planned = taken.length;
  }

  onMutantTested() {
    this.#tried += 1;
    if (this.#tried % 20 === 0) process.stderr.write(`${this.#tried} of ${this.#planned} tried\n`);
  }
}

/** A change that acts while files are loaded, and in tests too, is tried by those tests, in a fresh process. */
function asReached(plan) {
  const { mutant, runOptions } = plan;
  if (mutant.static && runOptions !== undefined && mutant.coveredBy?.length > 0) {
    runOptions.testFilter = mutant.coveredBy;
  }
  return plan;
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.Reporter, 'drawn-mutants', DrawnMutants),
];

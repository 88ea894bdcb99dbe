import { ANYTHING, checkOptions, type Rules } from '../core/option-rules';
import type { PromptRecord, RewardFunction, RewardTerms } from '../rewards';

/** What a run's configuration cannot hold, or what is to be another than it says. */
export interface RunMaterials {
  /** What to draw prompts from. */
  prompts: readonly (string | PromptRecord)[];
  /** Held-out prompts, to evaluate at every `trainer.test_freq` steps. Default: none. */
  validationPrompts?: readonly (string | PromptRecord)[] | null;
  /** Default: the configuration's reward functions by their names, which must be registered. */
  reward?: string | RewardFunction | RewardTerms;
}

// Trainers and evaluations have the rules of all three.
const RULES: Rules<RunMaterials> = {
  prompts: ANYTHING,
  validationPrompts: ANYTHING,
  reward: ANYTHING,
};

/** @throws When there is no such material, naming the nearest. */
export function checkMaterials(materials: RunMaterials): void {
  checkOptions('train by this configuration', materials, RULES);
}

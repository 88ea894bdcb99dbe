import type { PolicyState, TrainableModel } from '../pipelines';
import type { tf } from '../tensorflow';
import type { AdamW } from './adamw';
import type { WeightAverage } from './weight-average';

/** Weights by their version, the step that they were made for, and by their variables' names. */
export type WeightVersions = ReadonlyMap<number, ReadonlyMap<string, tf.Tensor>>;

/** Weights of earlier steps that steps to come are rolled out with. */
export interface EarlierWeights {
  /** Those of the steps after a number of steps done; the tensors stay the owner's. */
  after(stepsDone: number): WeightVersions;
  /** Takes copies of what `after` gave before. */
  load(versions: WeightVersions): void;
}

/** Everything that a trainer's next step follows from, besides its settings and its data. */
export interface TrainerState {
  /** Its trainable variables. */
  model: TrainableModel;
  optimizer: AdamW;
  average: WeightAverage | null;
  /** Other policies that the objective keeps, by name. */
  policies: Readonly<Record<string, PolicyState>>;
  /** Null where each step is rolled out with its own weights. */
  earlier: EarlierWeights | null;
}

import type { PolicyState, TrainableModel } from '../pipelines';
import type { AdamW } from './adamw';
import type { WeightAverage } from './weight-average';

/** Everything that a trainer's next step follows from, besides its settings and its data. */
export interface TrainerState {
  /** Its trainable variables. */
  model: TrainableModel;
  optimizer: AdamW;
  average: WeightAverage | null;
  /** Other policies that the objective keeps, by name. */
  policies: Readonly<Record<string, PolicyState>>;
}

import { mean } from '../core/statistics';
import type { UpdateReport } from './step-report';

/** What one update of the weights reports. */
export interface UpdateLine {
  loss: number;
  metrics: Record<string, number>;
  /** Norm of the gradient before clipping; an update whose norm is not finite was left out. */
  norm: number;
}

/** What a step's updates report together: means over them. */
export function meanUpdates(updates: readonly UpdateLine[], learningRate: number): UpdateReport {
  const meanOf = (read: (update: UpdateLine) => number) => mean(updates.map(read));
  return {
    updates: updates.length,
    loss: meanOf(({ loss }) => loss),
    gradNorm: meanOf(({ norm }) => norm),
    skippedUpdates: updates.filter(({ norm }) => !Number.isFinite(norm)).length,
    learningRate,
    metrics: Object.fromEntries(
      Object.keys(updates[0]?.metrics ?? {}).map((name) => [
        name,
        meanOf(({ metrics }) => metrics[name]),
      ]),
    ),
  };
}

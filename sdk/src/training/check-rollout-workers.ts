import type { RolloutWorkers } from './rollout-workers';

/** Settings of rollouts over workers. */
interface WorkerSettings {
  rolloutWorkers: RolloutWorkers | null;
  maxStaleness: number;
  promptPriority: object | null;
  microBatchReason: string;
}

/** Settings of what a policy's ratios start from. */
interface RatioSettings {
  rolloutWorkers: RolloutWorkers | null;
  maxStaleness: number;
  rolloutCorrection: { bypass_mode: boolean } | null;
  onMismatch: string;
}

function refuse(rule: string, value: string | number): never {
  throw new Error(`Cannot roll out over workers as ${rule}: current value is ${value}`);
}

/** @throws When settings do not go with rollouts over workers, whatever the objective. */
export function checkRolloutWorkers({
  rolloutWorkers,
  maxStaleness,
  promptPriority,
  microBatchReason,
}: WorkerSettings): void {
  if (rolloutWorkers !== null && microBatchReason === 'auto') {
    refuse('microBatchSize must be a number, the same on each machine', "'auto'");
  }
  if (rolloutWorkers === null && maxStaleness > 0) {
    refuse('maxStaleness above 0 needs rolloutWorkers', maxStaleness);
  }
  if (promptPriority !== null && maxStaleness > 0) {
    refuse(
      'maxStaleness must be 0 with promptPriority, which draws by the step before',
      maxStaleness,
    );
  }
}

/** @throws When a policy's ratios would start from log-probabilities of other weights, unnoticed. */
export function checkStaleness({
  rolloutWorkers,
  maxStaleness,
  rolloutCorrection,
  onMismatch,
}: RatioSettings): void {
  const isForeign = rolloutWorkers?.mostGap !== undefined;
  if (isForeign && rolloutCorrection?.bypass_mode) {
    refuse(
      "rolloutCorrection must not have bypass_mode with servers, whose log-probabilities are not the trainer's",
      'bypass_mode true',
    );
  }
  const recomputes = isForeign || (rolloutCorrection !== null && !rolloutCorrection.bypass_mode);
  if (maxStaleness === 0 || recomputes || onMismatch === 'report') return;
  refuse(
    "maxStaleness must be 0 unless old log-probabilities are recomputed (rolloutCorrection: { bypass_mode: false }) or onMismatch is 'report'",
    maxStaleness,
  );
}

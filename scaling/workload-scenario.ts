import type { Scenario } from './scenario';
import {
  FAILURES,
  GRADIENT_FORWARDS,
  NETWORK,
  RECIPE,
  REPORTED_RATE,
  WORKLOADS,
  type Workload,
} from './settings';
import { adapterParameters, forwardFlops } from './transformer-cost';

/** Who computes gradients, and how far rollouts run ahead. */
export interface Design {
  maxStaleness: number;
  /** 'trainer': its one GPU; 'workers': those who rolled out, by a second phase of parts. */
  gradientsOn: 'trainer' | 'workers';
  /** Of a worker's part; workers send the sum of a part's gradients. */
  picturesPerPart: number;
}

export const DESIGNS: Readonly<Record<string, Design>> = {
  synchronous: { maxStaleness: 0, gradientsOn: 'trainer', picturesPerPart: 1 },
  'one step ahead': { maxStaleness: 1, gradientsOn: 'trainer', picturesPerPart: 1 },
  'gradients on workers': { maxStaleness: 0, gradientsOn: 'workers', picturesPerPart: 1 },
  'gradients on workers, 4 a part': { maxStaleness: 0, gradientsOn: 'workers', picturesPerPart: 4 },
};

/** Forward passes a picture: its rollout, and its gradients. */
const ROLLOUT_FORWARDS = RECIPE.inferenceSteps * RECIPE.forwardsPerStep;
const UPDATE_FORWARDS = RECIPE.windowSteps * RECIPE.forwardsPerStep * GRADIENT_FORWARDS.value;

/** The share of a GPU's peak that the reported rate comes to, everything in a step counted. */
export function reportedUtilisation(): number {
  const { model, gpu } = WORKLOADS['qwen-image'];
  const flopsPerPicture = (ROLLOUT_FORWARDS + UPDATE_FORWARDS) * forwardFlops(model);
  return (flopsPerPicture * REPORTED_RATE.value) / gpu.peakFlops.value;
}

/** Seconds of a picture's rollout and of its gradients on one GPU. */
export function pictureSeconds({ model, gpu }: Workload): { rollout: number; gradients: number } {
  const forward = forwardFlops(model) / (gpu.peakFlops.value * reportedUtilisation());
  return { rollout: ROLLOUT_FORWARDS * forward, gradients: UPDATE_FORWARDS * forward };
}

/** A run of a workload, a GPU a worker and one for the trainer. */
export function workloadScenario(workload: Workload, design: Design, workers: number): Scenario {
  const { model, pixels } = workload;
  const { picturesPerPart } = design;
  const pictures = RECIPE.prompts * RECIPE.groupSize;
  const { rollout, gradients } = pictureSeconds(workload);
  const weightsBytes = 4 * adapterParameters(model, RECIPE.rank);
  // Latents of the window in float32, 64 numbers a token, and the picture.
  const bytesOut = (RECIPE.windowSteps + 1) * model.imageTokens * 64 * 4 + 3 * pixels ** 2;
  const isShared = design.gradientsOn === 'workers';
  return {
    steps: 12,
    workers,
    partsPerStep: pictures / picturesPerPart,
    picturesPerPart,
    phases: [
      { seconds: picturesPerPart * rollout, bytesOut: picturesPerPart * bytesOut },
      ...(isShared ? [{ seconds: picturesPerPart * gradients, bytesOut: weightsBytes }] : []),
    ],
    updateSeconds: isShared ? 0 : pictures * gradients,
    maxStaleness: design.maxStaleness,
    weightsBytes,
    workersPerMachine: 8,
    bytesPerSecond: NETWORK.bytesPerSecond.value,
    callSeconds: NETWORK.callSeconds.value,
    cores: Infinity,
    contention: 0,
    straggling: FAILURES.straggling.value,
    lateAfterSeconds: 300,
    failureSeconds: FAILURES.failureSeconds.value,
    restartSeconds: FAILURES.restartSeconds.value,
  };
}

import { FlowMatchSDEDiscreteScheduler } from '@flowbook/sdk';
import { SIZES } from './sizes';

/** Qwen-Image's schedule for the rows' pictures, and what a step of it is made of. */
export function schedulerAt(place: number): {
  scheduler: FlowMatchSDEDiscreteScheduler;
  timestep: number;
  sigma: number;
  sigmaNext: number;
  sigmaSecond: number;
} {
  const scheduler = new FlowMatchSDEDiscreteScheduler({
    useDynamicShifting: true,
    baseShift: 0.5,
    maxShift: 0.9,
    baseImageSeqLen: 256,
    maxImageSeqLen: 8192,
    shiftTerminal: 0.02,
  });
  const { steps } = SIZES;
  const sigmas = Array.from({ length: steps }, (_, i) => 1 - (i * (1 - 1 / steps)) / (steps - 1));
  scheduler.setTimesteps(steps, { sigmas, mu: 0.5 });
  return {
    scheduler,
    timestep: scheduler.timestepValues[place],
    sigma: scheduler.sigmaValues[place],
    sigmaNext: scheduler.sigmaValues[place + 1],
    sigmaSecond: scheduler.sigmaValues[1],
  };
}

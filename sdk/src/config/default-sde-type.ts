/**
 * The stochastic step that an algorithm goes by unless it is told: DanceGRPO has its own, all others
 * FlowGRPO's.
 *
 * @example
 * defaultSdeType('dance_grpo'); // 'dance_sde'
 */
export function defaultSdeType(algorithm: string): string {
  return algorithm === 'dance_grpo' ? 'dance_sde' : 'sde';
}

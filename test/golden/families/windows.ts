import { mixGrpoWindow } from '../../../sdk/src/schedulers';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

export const check: FamilyCheck = async ({ json }) => {
  const comparison = new Comparison();
  for (const [index, sub] of json.subcases.entries()) {
    const place = () => mixGrpoWindow(sub.extra_args, 'verl-omni');
    if (sub.error !== null) await comparison.throws(`window ${index}`, place);
    else comparison.equal(`window ${index}`, place(), sub.sde_window_range_after);
  }
  return comparison.result();
};

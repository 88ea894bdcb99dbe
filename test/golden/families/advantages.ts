import { groupAdvantages } from '../../../sdk/src/advantages';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

export const check: FamilyCheck = async ({ json, tensor, tensors }) => {
  const comparison = new Comparison();
  for (const { id, index } of json.subcases) {
    for (const norm of [0, 1]) {
      for (const global of [0, 1]) {
        const name = `${id}.norm${norm}.global${global}`;
        if (!tensors.has(name)) continue;
        const actual = groupAdvantages(tensor(`${id}.rewards`), index, {
          normAdvByStdInGrpo: norm === 1,
          globalStd: global === 1,
          epsilon: json.epsilon,
        });
        comparison.compare(name, actual, tensor(name), json.tolerance);
      }
    }
  }
  return comparison.result();
};

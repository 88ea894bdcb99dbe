import type { BenchRow } from './statistics';

/** What a row has to reach. */
export interface Target {
  /** Least ratio. */
  ratio: number;
  /** Or: at most so many times the floor. */
  floors?: number;
  /** In either case: not slower than torch.compile. */
  againstCompile?: boolean;
}

/** Whether a row reaches its target; 'open' where a number is missing. */
export type Verdict = 'reached' | 'short' | 'open';

/** Holds a row against its target. */
export function verdictOf(row: BenchRow, target: Target): Verdict {
  const { ratio, flowbook_ms, compile_ms, floor_ms } = row;
  if (ratio === null) return 'open';
  const isNearFloor =
    target.floors !== undefined &&
    flowbook_ms !== null &&
    floor_ms !== null &&
    flowbook_ms <= target.floors * floor_ms;
  if (ratio < target.ratio && !isNearFloor) return 'short';
  if (!target.againstCompile) return 'reached';
  if (flowbook_ms === null || compile_ms === null) return 'open';
  return flowbook_ms <= compile_ms ? 'reached' : 'short';
}

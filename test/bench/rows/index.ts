import { iterationRow } from './iteration';
import { partRows } from './parts';
import { rolloutRows } from './rollout';
import type { Row } from './row';
import { schedulerRows } from './scheduler';
import { transformerRows } from './transformer';

/** All timed rows, in the order of the table. */
export const rows: Row[] = [
  ...transformerRows,
  ...rolloutRows,
  iterationRow,
  ...schedulerRows,
  ...partRows,
];

export type { Inputs, Job, Outputs, Row } from './row';

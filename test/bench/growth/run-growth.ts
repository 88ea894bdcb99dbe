import { measureMemory } from '../memory/run-memory-row';
import type { Row } from '../rows';
import { modelInputs, transformerRows } from '../rows/transformer';
import { runRow, type RowContext } from '../run-row';
import { GROWTH, type GrowthPoint } from './growth-point';

const WORKS = ['forward', 'forward-backward-lora'];
const SAMPLES = 3;

/** Every size once: the two axes share a point. */
function sizes(): { batch: number; imageTokens: number }[] {
  const { batch, image_tokens } = GROWTH.fixed;
  return [
    ...GROWTH.batch.map((size) => ({ batch: size, imageTokens: image_tokens })),
    ...GROWTH.image_tokens
      .filter((tokens) => tokens !== image_tokens)
      .map((tokens) => ({ batch, imageTokens: tokens })),
  ];
}

/**
 * Measures time and memory of both sides at every size.
 *
 * @param onPoint Called after each.
 */
export async function runGrowth(
  context: RowContext,
  onPoint: (points: GrowthPoint[]) => void,
): Promise<GrowthPoint[]> {
  const points: GrowthPoint[] = [];
  const works = WORKS.map((name) => transformerRows.find((row) => row.name === name) as Row);
  for (const work of works) {
    for (const size of sizes()) {
      const row: Row = { ...work, inputs: () => modelInputs(size) };
      const timed = await runRow(row, { ...context, isQuick: true, samples: SAMPLES });
      const { flowbook, eager } = await measureMemory(row, { ...context, isQuick: true });
      points.push({
        work: work.name,
        batch: size.batch,
        image_tokens: size.imageTokens,
        flowbook_ms: timed.flowbook_ms as number,
        eager_ms: timed.eager_ms as number,
        flowbook_mb: flowbook.peak,
        eager_mb: eager.peak,
        flowbook_loaded_mb: flowbook.loaded,
        eager_loaded_mb: eager.loaded,
      });
      onPoint(points);
    }
  }
  return points;
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metrics } from '@flowbook/kernel-extensions';

/** Draws the course of both runs, as `curves.png` beside each log. */
export async function drawCurves(work: string): Promise<void> {
  for (const part of ['vae', 'transformer']) {
    const folder = join(work, part);
    const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8').trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as { step: number });
    const { data } = await metrics(rows, { title: `Pre-training: ${part}` });
    writeFileSync(join(folder, 'curves.png'), Buffer.from(String(data['image/png']), 'base64'));
  }
}

import { splitKinds, type ShapesPrompt } from '@flowbook/sdk';
import { jsonLines, type FileContents } from './file-contents';
import { parquetFile, type Fields } from './parquet-file';
import { shapesPairs } from './shapes-pairs';
import { shapesPrompts } from './shapes-prompts';
import { VERL_COLUMNS, verlRow } from './verl-rows';

const COLUMNS = {
  ...VERL_COLUMNS,
  kind: 'text',
  objects: { list: { fields: { shape: 'text', color: 'text' } } },
  relation: 'text',
} as const satisfies Fields;

/** Every file of datasets/shapes that is made, by its name there. */
export async function shapesFiles(): Promise<FileContents> {
  const { train, heldOut } = shapesPrompts();
  const counting = new Map(splitKinds(train, heldOut).map(({ kind, counts }) => [kind, counts]));
  const rows = (prompts: readonly ShapesPrompt[], split: 'train' | 'test') =>
    prompts.map(({ prompt, ...wanted }, index) => ({
      ...verlRow(prompt, index, {
        dataSource: 'shapes',
        ability: wanted.kind,
        groundTruth: JSON.stringify(wanted),
        split,
        counts: counting.get(wanted.kind) ?? false,
      }),
      ...wanted,
    }));
  return {
    'train.jsonl': jsonLines(train),
    'held-out.jsonl': jsonLines(heldOut),
    'train.parquet': await parquetFile(COLUMNS, rows(train, 'train')),
    'held-out.parquet': await parquetFile(COLUMNS, rows(heldOut, 'test')),
    'pairs.jsonl': jsonLines(shapesPairs(train)),
  };
}

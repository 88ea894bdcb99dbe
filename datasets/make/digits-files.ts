import type { DigitsPrompt } from '@flowbook/sdk';
import { PythonRandom } from '../../sdk/src/core/python-random';
import { jsonLines, type FileContents } from './file-contents';
import { parquetFile, type Fields } from './parquet-file';
import { VERL_COLUMNS, verlRow } from './verl-rows';

const COLUMNS = { ...VERL_COLUMNS, kind: 'text', text: 'text' } as const satisfies Fields;

/** Kinds with their smallest and largest number, and how many of them are drawn. */
const KINDS = [
  ['one_digit', 0, 9, 10],
  ['two_digits', 10, 99, 90],
  ['three_digits', 100, 999, 100],
] as const;

/** Which numbers are drawn and held out follows from it, and from the kind's name. */
const SEED = 0;

function promptsOf([kind, first, last, count]: (typeof KINDS)[number]) {
  const numbers = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  new PythonRandom(`${SEED}${kind}`).shuffle(numbers);
  const held = Math.round(count / 4);
  const make = (drawn: number[]) =>
    drawn
      .sort((a, b) => a - b)
      .map((number): DigitsPrompt => ({
        prompt: `the number ${number}`,
        kind,
        text: String(number),
      }));
  return { heldOut: make(numbers.slice(0, held)), train: make(numbers.slice(held, count)) };
}

/** Every file of datasets/digits that is made, by its name there. */
export async function digitsFiles(): Promise<FileContents> {
  const kinds = KINDS.map(promptsOf);
  const files: FileContents = {};
  for (const [name, split, prompts] of [
    ['train', 'train', kinds.flatMap(({ train }) => train)],
    ['held-out', 'test', kinds.flatMap(({ heldOut }) => heldOut)],
  ] as const) {
    const rows = prompts.map(({ prompt, ...asked }, index) => ({
      ...verlRow(prompt, index, {
        dataSource: 'digits',
        ability: 'ocr',
        groundTruth: asked.text,
        split,
        counts: true,
      }),
      ...asked,
    }));
    files[`${name}.jsonl`] = jsonLines(prompts);
    files[`${name}.parquet`] = await parquetFile(COLUMNS, rows);
  }
  return files;
}

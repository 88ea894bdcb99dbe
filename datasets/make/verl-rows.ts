import type { Fields } from './parquet-file';

/** A chat's messages. */
const chat = { list: { fields: { role: 'text', content: 'text' } } } as const;

/** The columns that verl-omni reads prompts from. */
export const VERL_COLUMNS = {
  data_source: 'text',
  prompt: chat,
  negative_prompt: chat,
  ability: 'text',
  reward_model: { fields: { style: 'text', ground_truth: 'text' } },
  extra_info: {
    fields: {
      split: 'text',
      index: 'integer',
      raw_prompt: 'text',
      raw_negative_prompt: 'text',
      counts: 'boolean',
    },
  },
} as const satisfies Fields;

/** What a row says beside its prompt. */
export interface VerlRow {
  dataSource: string;
  ability: string;
  /** What a rule compares the picture with. */
  groundTruth: string;
  split: 'train' | 'test';
  /** Whether an evaluation is to count it: its kind is really split. */
  counts: boolean;
}

/** A prompt as verl-omni's files hold it. */
export function verlRow(
  prompt: string,
  index: number,
  { dataSource, ability, groundTruth, split, counts }: VerlRow,
): Record<string, unknown> {
  const negative = ' ';
  return {
    data_source: dataSource,
    prompt: [{ role: 'user', content: prompt }],
    negative_prompt: [{ role: 'user', content: negative }],
    ability,
    reward_model: { style: 'rule', ground_truth: groundTruth },
    extra_info: { split, index, raw_prompt: prompt, raw_negative_prompt: negative, counts },
  };
}

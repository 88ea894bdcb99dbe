import { checkOptions, oneOf, SWITCH, wholeNumber, type Rules } from '../core/option-rules';
/** Token ids of several texts as a rectangle, with 1 at text and 0 at padding. */
export interface TokenBatch {
  /** (B, L) token ids. */
  input_ids: number[][];
  /** (B, L) of 0 and 1. */
  attention_mask: number[][];
}

/** How rows of different lengths become one rectangle. */
export interface BatchOptions {
  /** Pad to the longest row (default) or to `maxLength`. */
  padding?: 'longest' | 'max_length';
  /** Length in tokens that `padding: 'max_length'` and `truncation` go by. */
  maxLength?: number;
  /** Cut rows that are longer than `maxLength`, at the right. Default false. */
  truncation?: boolean;
}

const RULES: Rules<BatchOptions> = {
  padding: oneOf('longest', 'max_length'),
  maxLength: wholeNumber(0),
  truncation: SWITCH,
};

/**
 * Cuts and pads rows of token ids to one length.
 *
 * @param ending What a row that is cut ends with all the same.
 */
export function padBatch(
  rows: number[][],
  padId: number,
  side: 'left' | 'right',
  options: BatchOptions = {},
  ending: readonly number[] = [],
): TokenBatch {
  checkOptions('batch tokens', options, RULES);
  const { padding = 'longest', maxLength, truncation = false } = options;
  if (maxLength === undefined && (truncation || padding === 'max_length')) {
    throw new Error(
      'Cannot batch tokens as padding to "max_length" and truncation need maxLength: current value is undefined',
    );
  }
  const shorten = (ids: number[], most: number): number[] =>
    ids.length <= most ? ids : [...ids.slice(0, Math.max(0, most - ending.length)), ...ending];
  const cut = truncation ? rows.map((ids) => shorten(ids, maxLength as number)) : rows;
  const longest = Math.max(0, ...cut.map((ids) => ids.length));
  const length = padding === 'max_length' ? (maxLength as number) : longest;
  if (longest > length) {
    throw new Error(
      `Cannot batch tokens as every text must fit maxLength (${length}) or truncation be on: current value is ${longest} tokens`,
    );
  }
  const widen = (ids: number[], fill: number): number[] => {
    const gap = new Array<number>(length - ids.length).fill(fill);
    return side === 'right' ? [...ids, ...gap] : [...gap, ...ids];
  };
  return {
    input_ids: cut.map((ids) => widen(ids, padId)),
    attention_mask: cut.map((ids) =>
      widen(
        ids.map(() => 1),
        0,
      ),
    ),
  };
}

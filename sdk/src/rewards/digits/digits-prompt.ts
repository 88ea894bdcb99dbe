import { showValue } from '../../core/show-value';
import type { PromptRecord } from '../reward-registry';

/** A prompt that asks for a number in digits. A type, so that it is a `PromptRecord`. */
export type DigitsPrompt = {
  prompt: string;
  kind: string;
  /** What the picture must show: digits alone. */
  text: string;
};

/** Checks that a text is made of digits. @param what What is done with it, for the message. */
export function requireDigits(text: unknown, what: string): string {
  if (typeof text === 'string' && /^\d+$/.test(text)) return text;
  throw new Error(
    `Cannot ${what} as its text must be digits from 0 to 9: current value is ${showValue(text)}`,
  );
}

/**
 * The digits that a record asks for: its `text`, or `reward_model.ground_truth` of verl's columns.
 *
 * @throws When neither is a text of digits.
 */
export function askedDigits({ text, reward_model: model }: PromptRecord): string {
  const truth = (model as { ground_truth?: unknown } | null | undefined)?.ground_truth;
  return requireDigits(text ?? truth, 'judge digits');
}

export type { DigitsPrompt } from './digits-prompt';
export { renderDigits } from './render-digits';
export { readDigits } from './read-digits';
export { editDistance } from '../../core/edit-distance';
export { digitsTextReward } from './digits-reward';

import './built-in';

export * from './reward-registry';
export { loadPrompts } from './load-prompts';
export { scoreRewards, type ScoreOptions } from './score-rewards';
export * from './weighted-rewards';
export * from './jpeg-size';
export * from './redness';
export * from './shapes';

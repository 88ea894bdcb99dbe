import './built-in';

export * from './reward-registry';
export { loadPrompts } from './load-prompts';
export { scoreRewards, type ScoreOptions } from './score-rewards';
export type { RewardTerm } from './reward-term';
export {
  combineTerms,
  rateTerms,
  scoreWeightedRewards,
  type RatedTerms,
  type RewardTerms,
  type WeightedRewardOptions,
  type WeightedRewards,
} from './weighted-rewards';
export * from './partial-failure';
export { cachedReward, type CachedRewardOptions } from './cached-reward';
export { httpReward, type HttpRewardOptions } from './http/http-reward';
export { httpRewardOfVerl, type HttpRewardTerm } from './http/http-term';
export * from './jpeg-size';
export * from './redness';
export * from './aesthetic';
export * from './digits';
export * from './shapes';

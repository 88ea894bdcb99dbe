import type { RequestPrompt, RolloutRequest } from './rollout-request';

/** The prompts of a request as records; what a prompt lacks is looked up in its `additional_information`. */
export function promptRecords({ prompts = [] }: RolloutRequest): RequestPrompt[] {
  return prompts.map((prompt) => {
    if (typeof prompt === 'string') return { prompt };
    const given = Object.entries(prompt).filter(([, value]) => value !== null);
    return { ...prompt.additional_information, ...Object.fromEntries(given) };
  });
}

import { PartialRewardFailure } from './partial-failure';

/** Pictures in consecutive parts of at most `size`. */
export function cutRatings<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

/** The values of all requests, or the failure of those that failed. */
export function joinRatings(
  requests: readonly (readonly unknown[])[],
  results: readonly PromiseSettledResult<number[]>[],
): number[] {
  const values = results.flatMap((result, at) =>
    result.status === 'fulfilled' ? result.value : requests[at].map(() => NaN),
  );
  const failed = results.filter((result) => result.status === 'rejected');
  if (failed.length === 0) return values;
  const reasons = [...new Set(failed.map(({ reason }) => (reason as Error).message))];
  const share = `${failed.length} of ${results.length} requests failed`;
  throw new PartialRewardFailure(
    results.length === 1 ? reasons[0] : `${share}: ${reasons.join('; ')}`,
    values,
  );
}

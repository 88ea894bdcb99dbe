/** A reward that could rate some pictures and not others, with the reasons. */
export class PartialRewardFailure extends Error {
  override name = 'PartialRewardFailure';

  /** @param values One a picture; NaN where it could not be rated. */
  constructor(
    message: string,
    readonly values: readonly number[],
  ) {
    super(message);
  }
}

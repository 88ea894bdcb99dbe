/** A request that got no answer, or a refusal. */
export class HttpError extends Error {
  override name = 'HttpError';

  /** @param isPassing Whether the same request may succeed a moment later. */
  constructor(
    message: string,
    readonly isPassing: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

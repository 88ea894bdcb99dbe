import { requireHeader } from '../http/secret-headers';
import type { HubSettings } from './hub-settings';

/** A hub's refusal, or no answer at all. */
export class HubError extends Error {
  override name = 'HubError';

  /** @param isPassing Whether the same request may succeed a moment later. */
  constructor(
    message: string,
    readonly isPassing: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The `fetch` that the hub's client is given: it sends the token to the hub alone and never where the hub redirects to,
 * stops with the signal, and turns refusals into words.
 *
 * @param model `owner/name`, for messages.
 */
export function hubFetch(
  model: string,
  { endpoint, token, revision, signal }: HubSettings,
): typeof fetch {
  const { origin } = new URL(endpoint);
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    if (token !== null && url.origin === origin) {
      requireHeader(`download model "${model}"`, 'authorization', `Bearer ${token}`);
      headers.set('authorization', `Bearer ${token}`);
    }
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers, signal });
    } catch (error) {
      signal?.throwIfAborted();
      const { cause = error } = error as Error;
      throw new HubError(
        `Cannot reach ${url.origin} for model "${model}": ${(cause as Error).message}; HF_HUB_OFFLINE=1 uses what the cache holds`,
        true,
        { cause: error },
      );
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw refusal(response, url, { model, endpoint, revision, hasToken: token !== null });
  };
}

interface Asked {
  model: string;
  endpoint: string;
  revision: string;
  hasToken: boolean;
}

function refusal(
  { status, headers }: Response,
  url: URL,
  { model, endpoint, revision, hasToken }: Asked,
): HubError {
  const code = headers.get('x-error-code');
  const answer = code === null ? `${status}` : `${status} ${code}`;
  const token = hasToken ? 'the token in use' : 'no token is in use: set HF_TOKEN';
  const words =
    code === 'GatedRepo'
      ? `Cannot download model "${model}" as its owner must have granted access (${token}): ask for it at ${endpoint}/${model}: current answer is ${answer}`
      : code === 'RevisionNotFound'
        ? `Cannot find model "${model}" as revision "${revision}" must exist on ${endpoint}: current answer is ${answer}`
        : code === 'RepoNotFound' || status === 401
          ? `Cannot find model "${model}" as it must be a folder here or exist on ${endpoint}, where a private one needs a token (${token}): current answer is ${answer}`
          : `Cannot download model "${model}" as ${url.origin}${url.pathname} must answer: current answer is ${answer}`;
  return new HubError(words, status >= 500 || status === 429 || status === 408);
}

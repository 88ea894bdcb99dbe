import { withTimeLimit } from '../../core/time-limit';
import { addressOf } from './address-of';
import { HttpError } from './http-error';
import { isPickle } from './pickle';
import { remoteText } from './remote-text';
import { hideSecrets, requireHeader } from './secret-headers';

/** One request. */
export interface PostRequest {
  body: Uint8Array;
  headers: Record<string, string>;
  /** Time until the whole answer must be there. */
  timeoutMs: number;
  /** A longer answer is refused. */
  maxResponseBytes: number;
  signal: AbortSignal | null;
}

/** What came back with status 200 to 299. */
export interface PostAnswer {
  /** Without parameters, in lower case; empty when there is none. */
  contentType: string;
  bytes: Uint8Array;
}

/** Within which Node.js wants the first bytes of an answer, in milliseconds. */
export const LONGEST_ANSWER_MS = 300_000;

/** Redirects that keep the method and the body. */
const REDIRECTS = [307, 308];
const MOST_REDIRECTS = 3;

/**
 * Checks an address that bytes are to be sent to.
 *
 * @throws When it is not http or https, or holds a user name or a password.
 * @example
 * httpUrl('http://127.0.0.1:8000/score').pathname; // '/score'
 */
export function httpUrl(address: string): URL {
  const refuse = (rule: string): never => {
    // What stands before an @ may be a password.
    const shown = JSON.stringify(address.replace(/^([a-z]+:\/\/)?.*@/is, '$1...@'));
    throw new Error(`Cannot send to an address as it must ${rule}: current value is ${shown}`);
  };
  if (!URL.canParse(address)) return refuse('be a URL');
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refuse('start with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error(
      `Cannot send to ${url.origin} as its address must hold no user name and no password, which would be written to logs`,
    );
  }
  return url;
}

/**
 * Posts bytes and reads the answer whole. Follows 307 and 308 within the same origin, and nothing else. Stars stand in the place of
 * headers' values that the answer repeats: a token is in no message.
 *
 * @throws HttpError without an answer in time, on a status outside of 200 to 299, on a redirect that leads elsewhere, and when
 *   the answer is too long; the signal's reason once that is aborted; and where a header is none that HTTP sends.
 */
export async function post(url: URL, request: PostRequest): Promise<PostAnswer> {
  const { timeoutMs, signal, headers } = request;
  for (const [name, value] of Object.entries(headers)) {
    requireHeader(`send to ${addressOf(url)}`, name, value);
  }
  const tooLate = () =>
    new HttpError(
      `Cannot get an answer from ${addressOf(url)} as it must come within ${timeoutMs} ms`,
      true,
    );
  try {
    const limit = { limitMs: timeoutMs, signal, tooLate };
    return await withTimeLimit((stop) => postWithin(url, request, stop), limit);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HttpError) throw error;
    const { cause = error } = error as Error;
    throw new HttpError(
      `Cannot get an answer from ${addressOf(url)}: ${(cause as Error).message}`,
      true,
      { cause: error },
    );
  }
}

async function postWithin(
  url: URL,
  { body, headers, maxResponseBytes }: PostRequest,
  signal: AbortSignal,
): Promise<PostAnswer> {
  let target = url;
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(target, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers,
      redirect: 'manual',
      signal,
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      target = redirected(target, response, redirects);
      continue;
    }
    const bytes = await readBounded(url, response, maxResponseBytes);
    hideSecrets(bytes, headers);
    if (!response.ok) throw refusal(url, response.status, bytes);
    const type = response.headers.get('content-type') ?? '';
    return { contentType: type.split(';')[0].trim().toLowerCase(), bytes };
  }
}

function redirected(url: URL, { status, headers }: Response, redirects: number): URL {
  const location = headers.get('location') ?? '';
  const target = URL.canParse(location, url.href) ? new URL(location, url) : null;
  const mayFollow = REDIRECTS.includes(status) && redirects < MOST_REDIRECTS;
  if (target?.origin !== url.origin || !mayFollow) {
    throw new HttpError(
      `Cannot get an answer from ${addressOf(url)} as it may redirect by 307 or 308 within ${url.origin}, ${MOST_REDIRECTS} times: current answer is ${status} to ${JSON.stringify(shownLocation(location))}`,
      false,
    );
  }
  return target;
}

/** Without a user and a query, which may hold what signs somebody in. */
function shownLocation(location: string): string {
  return remoteText(location.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//...@'));
}

async function readBounded(url: URL, response: Response, most: number): Promise<Buffer> {
  const tooLong = (length: number | string) =>
    new HttpError(
      `Cannot read the answer of ${addressOf(url)} as it must have at most ${most} bytes: current value is ${length}`,
      false,
    );
  const declared = Number(response.headers.get('content-length'));
  if (declared > most) {
    await response.body?.cancel();
    throw tooLong(declared);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    // Leaving the loop cancels the rest.
    if (length > most) throw tooLong(`${length} or more`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function refusal(url: URL, status: number, bytes: Uint8Array): HttpError {
  const isPassing = status >= 500 || status === 429 || status === 408;
  return new HttpError(
    `Cannot get an answer from ${addressOf(url)} as its status must be 200 to 299: current value is ${status}${reasonIn(bytes)}`,
    isPassing,
  );
}

/** What a refusal says: the `error`, `detail` or `message` of a JSON object, or its text. */
function reasonIn(bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  if (isPickle(bytes)) return ' (with a Python pickle, which is not read)';
  const text = Buffer.from(bytes).toString('utf8').trim();
  let reason = text;
  try {
    reason = textIn(JSON.parse(text)) ?? text;
  } catch {
    // Plain text says it itself.
  }
  return ` (${remoteText(reason)})`;
}

function textIn(json: unknown): string | null {
  const { error, detail, message } = (json ?? {}) as Record<string, unknown>;
  const nested = (error as { message?: unknown } | null)?.message;
  const said = [error, nested, detail, message].find((value) => typeof value === 'string');
  return (said as string | undefined) ?? null;
}

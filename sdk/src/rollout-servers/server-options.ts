import {
  anyOf,
  ANYTHING,
  checkOptions,
  listOf,
  oneOf,
  orNull,
  record,
  required,
  TEXT,
  wholeNumber,
  type Rules,
} from '../core/option-rules';
import { withoutUndefined } from '../core/without-undefined';
import type { WeightDtype } from '../io/state-dict';
import { LONGEST_BACKOFF_MS } from '../io/http/backoff';
import { httpUrl, LONGEST_ANSWER_MS } from '../io/http/post';

/** How servers roll out. Only `url` and `weightsFolder` are required. */
export interface RolloutServerOptions {
  /** Address of a server, or of several that serve the same model: `http://10.0.0.2:30000`. */
  url: string | readonly string[];
  /** Where weights are written for the servers to read: a folder on their disk, or on one that is shared with them. */
  weightsFolder: string;
  /** The same folder as servers name it. Default: by its absolute path here. */
  weightsFolderOnServer?: string;
  /** How weights are stored. Default 'float32'. */
  weightsDtype?: WeightDtype;
  /** Environment variable that holds a token; it is sent as `Authorization: Bearer`. Default: none is. */
  tokenVariable?: string;
  /** Further headers of each request. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** Requests that a server has at a time. Default 4. */
  requestsInFlight?: number;
  /** Most pictures of one prompt in a request. Default: as many as the protocol suits. */
  picturesPerRequest?: number;
  /** Time for each try, in milliseconds; at most 300000, within which Node.js wants an answer to begin. Default 300000. */
  timeoutMs?: number;
  /** Tries after the first one, when none came through or the status was 408, 429 or 5xx. Default 3. */
  retries?: number;
  /** Longest rest of a server after a failure, in milliseconds; doubled with each further one in a row. Default 1000. */
  backoffMs?: number;
  /** A longer answer is refused. Default 512 MiB. */
  maxResponseBytes?: number;
  /** Largest mean |logProb - rolloutLogProb| of a step that rounding explains. Default 5e-3; see `RolloutWorkers.mostGap`. */
  mostGap?: number;
  /** The rests follow from it. Default 0. */
  seed?: number;
}

/** The options, complete. */
export type RolloutServerSettings = Required<
  Omit<RolloutServerOptions, 'url' | 'tokenVariable'>
> & {
  urls: URL[];
  tokenVariable: string | undefined;
};

const DEFAULTS = {
  weightsDtype: 'float32',
  headers: {},
  requestsInFlight: 4,
  timeoutMs: LONGEST_ANSWER_MS,
  retries: 3,
  backoffMs: 1000,
  maxResponseBytes: 2 ** 29,
  // Ten times the largest mean that engines and trainers of the same policy were seen apart (verl-omni#280).
  mostGap: 5e-3,
  seed: 0,
} as const;

const RULES: Rules<RolloutServerOptions> = {
  url: required(anyOf(TEXT, listOf(TEXT, { words: 'a list of addresses', least: 0 }))),
  weightsFolder: required(TEXT),
  weightsFolderOnServer: TEXT,
  weightsDtype: oneOf('float32', 'float16', 'bfloat16'),
  tokenVariable: orNull(TEXT),
  headers: record({}),
  requestsInFlight: ANYTHING,
  picturesPerRequest: ANYTHING,
  timeoutMs: ANYTHING,
  retries: ANYTHING,
  backoffMs: ANYTHING,
  maxResponseBytes: ANYTHING,
  mostGap: ANYTHING,
  seed: wholeNumber(),
};

/** Smallest and largest values of the numbers among the options. */
const BOUNDS = {
  requestsInFlight: [1, 1024],
  picturesPerRequest: [1, 1024],
  timeoutMs: [1, LONGEST_ANSWER_MS],
  retries: [0, 100],
  backoffMs: [0, LONGEST_BACKOFF_MS],
  maxResponseBytes: [1, 2 ** 31],
} as const;

/**
 * Fills in the defaults and checks.
 *
 * @param mostPictures Most pictures of a request, where the options say nothing.
 * @throws When there is no such option or one breaks its rule.
 */
export function rolloutServerSettings(
  all: RolloutServerOptions,
  mostPictures: number,
): RolloutServerSettings {
  checkOptions('roll out on servers', all, RULES);
  const { url, tokenVariable, ...options } = all;
  const settings: RolloutServerSettings = {
    ...DEFAULTS,
    picturesPerRequest: mostPictures,
    ...(withoutUndefined(options) as typeof options),
    weightsFolderOnServer: options.weightsFolderOnServer ?? '',
    urls: [url].flat().map((one) => httpUrl(one.endsWith('/') ? one : `${one}/`)),
    tokenVariable,
  };
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value = settings[name as keyof typeof BOUNDS];
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
    refuse(`${name} must be a whole number from ${least} to ${most}`, value);
  }
  const { urls, mostGap, weightsFolder } = settings;
  if (!(mostGap > 0)) refuse('mostGap must be above 0', mostGap);
  if (weightsFolder === '') refuse('weightsFolder must name a folder', '""');
  const names = urls.map(({ href }) => href);
  if (names.length === 0) refuse('url must name a server', 'none');
  if (new Set(names).size < names.length) refuse('urls must differ', names.join(', '));
  return settings;
}

function refuse(rule: string, value: unknown): never {
  throw new Error(`Cannot roll out on servers as ${rule}: current value is ${String(value)}`);
}

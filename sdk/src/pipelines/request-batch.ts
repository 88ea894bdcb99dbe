import { drawNormal, tf, type Generator } from '../tensorflow';
import { allOrNone } from './all-or-none';
import type { RolloutOptions } from './rollout-options';
import type { RolloutRequest, SamplingParams } from './rollout-request';
import { imagesPerPrompt, requestGenerator } from './rollout-settings';

/** Requests that go through the model together. */
export interface RequestBatch {
  /** Their places in the list that was given. */
  places: number[];
  /** All of them as one request. */
  request: RolloutRequest;
  /** Rows of each. */
  rows: number[];
}

/** Options that hold one value for each row, so that they fit one batch alone. */
const ROW_OPTIONS = [
  'latents',
  'promptEmbeds',
  'negativePromptEmbeds',
  'promptTokenIds',
  'negativePromptIds',
] as const;

/** A request's own noise: all other parameters must be equal for it to be sampled with others. */
const OWN_NOISE = ['generator', 'seed', 'latents'];

const ACTION = 'serve requests as one batch';

/** What requests must share to be sampled together. */
function sharedSettings({ sampling_params }: RolloutRequest): string {
  const sorted = (value: object) =>
    Object.fromEntries(
      Object.entries(value)
        .filter(([name, item]) => item != null && !OWN_NOISE.includes(name))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  const shared = sampling_params ?? {};
  return JSON.stringify(sorted({ ...shared, extra_args: sorted(shared.extra_args ?? {}) }));
}

/**
 * One stream for the rows of several: each gives its own rows the numbers that it would give them alone.
 * All draw integers and the first one's count, so that the rows share an SDE window.
 */
function joinGenerators(
  streams: readonly (Generator | readonly Generator[])[],
  rows: readonly number[],
): Generator {
  return {
    randn: ([, ...rest]) =>
      tf.tidy(() =>
        tf.concat(streams.map((stream, at) => drawNormal(stream, [rows[at], ...rest]))),
      ),
    integer: (low, high) => streams.flat().map((stream) => stream.integer(low, high))[0],
  };
}

/** One generator a row; that of a request with several rows comes again for each. */
function rowGenerators(
  streams: readonly (Generator | readonly Generator[])[],
  rows: readonly number[],
): Generator[] {
  return streams.flatMap((stream, at) => {
    const own = [stream].flat();
    return own.length === 1 ? Array<Generator>(rows[at]).fill(own[0]) : own;
  });
}

function join(
  requests: readonly RolloutRequest[],
  rows: readonly number[],
  compat: RolloutOptions['compat'],
): RolloutRequest {
  const streams = allOrNone(
    requests.map((request) => requestGenerator(request, compat)),
    'a generator or a seed',
    ACTION,
  );
  const latents = allOrNone(
    requests.map(({ sampling_params }) => sampling_params?.latents),
    'latents',
    ACTION,
  );
  const sampling_params: SamplingParams = { ...requests[0].sampling_params, seed: null };
  if (streams !== null) {
    const one = compat === 'verl-omni' ? rowGenerators : joinGenerators;
    sampling_params.generator = one(streams, rows);
  }
  if (latents !== null) sampling_params.latents = tf.concat(latents);
  const prompts = requests.flatMap((request) => request.prompts ?? []);
  return { prompts, sampling_params };
}

/**
 * Puts a list of requests into batches that can be sampled together.
 *
 * Each request keeps its own parameters: those with equal ones share a batch. `compat: 'verl-omni'` puts
 * all into one batch and lets the first request's parameters rule it, whatever the others ask for.
 *
 * @returns The batches. Initial latents of requests are joined: the caller disposes them.
 * @throws When only some requests have prompts, noise of their own or latents, or when options hold rows
 *   and the requests do not fit one batch.
 */
export function batchRequests(
  requests: readonly RolloutRequest[],
  options: RolloutOptions,
): RequestBatch[] {
  const compat = options.compat ?? null;
  allOrNone(
    requests.map(({ prompts = [] }) => (prompts.length > 0 ? prompts : null)),
    'prompts',
    ACTION,
  );
  const groups = new Map<string, number[]>();
  requests.forEach((request, place) => {
    const key = compat === 'verl-omni' ? '' : sharedSettings(request);
    groups.set(key, [...(groups.get(key) ?? []), place]);
  });
  if (groups.size > 1) {
    const given = options as Record<string, unknown>;
    const held = ROW_OPTIONS.find((name) => given[name] !== null && given[name] !== undefined);
    const name = Array.isArray(options.generator) ? 'generator' : held;
    if (name !== undefined) {
      throw new Error(
        `Cannot ${ACTION} as ${name} holds a row for each and their sampling parameters must be equal then: current number of different ones is ${groups.size}`,
      );
    }
  }
  return [...groups.values()].map((places) => {
    const members = places.map((place) => requests[place]);
    const images = imagesPerPrompt(members[0], options);
    const rows = members.map(({ prompts = [] }) => Math.max(prompts.length, 1) * images);
    return { places, rows, request: join(members, rows, compat) };
  });
}

import { addressOf } from '../../io/http/address-of';

/** Settings that stand as what they are made by. */
const BY_NAME = ['teacher', 'rolloutWorkers'];

/** What servers' addresses are called, here and in verl-omni's keys. */
const ADDRESSES = ['url', 'server_url'];

/**
 * A trainer's settings as plain JSON for `run.json`: functions, models and workers stand as their names, prompts and pairs as their
 * number, servers as their addresses without the query, which may hold a key.
 */
export function describeSettings(
  settings: object & {
    prompts?: readonly unknown[];
    pairs?: readonly unknown[];
    evaluation?: { prompts?: readonly unknown[] } | null;
  },
): Record<string, unknown> {
  const { prompts, pairs, evaluation, ...rest } = settings;
  const described = {
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, named(name, value)])),
    prompts: prompts?.length,
    pairs: pairs?.length,
    evaluation: evaluation && { ...evaluation, prompts: evaluation.prompts?.length },
  };
  const plain = JSON.stringify(described, (key, value: unknown) =>
    typeof value === 'function' ? value.name || 'anonymous' : withoutQuery(key, value),
  );
  return JSON.parse(plain) as Record<string, unknown>;
}

/** A run's configuration as plain JSON, with servers' addresses without their queries. */
export function describeConfiguration(configuration: object | null): unknown {
  return JSON.parse(JSON.stringify(configuration, withoutQuery));
}

/** Of the settings themselves alone: a reward may have such a name, too. */
function named(name: string, value: unknown): unknown {
  const isMade = BY_NAME.includes(name) && typeof value === 'object' && value !== null;
  return isMade ? value.constructor.name : value;
}

function withoutQuery(key: string, value: unknown): unknown {
  if (!ADDRESSES.includes(key)) return value;
  const isAddress = (one: unknown): one is string =>
    typeof one === 'string' && /^https?:/i.test(one) && URL.canParse(one);
  if (isAddress(value)) return addressOf(value);
  return Array.isArray(value) && value.every(isAddress) ? value.map(addressOf) : value;
}

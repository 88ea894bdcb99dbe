import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cellSignal } from '../../core/cell-signal';
import {
  ANYTHING,
  FUNCTION,
  orNull,
  SIGNAL,
  SWITCH,
  TEXT,
  type Rules,
} from '../../core/option-rules';
import type { DownloadProgress } from './download-progress';
import { httpUrl } from '../http/post';
import { isSet } from './is-set';

/** How a model is found on a hub. What is left out is read from the variables that the ecosystem shares. */
export interface HubOptions {
  /** Branch, tag or commit. Default `main`. */
  revision?: string;
  /** Weights saved under another name, for example `fp16`. Default: the plain ones. */
  variant?: string;
  /** Default: HF_TOKEN, then the file that `hf auth login` writes. */
  token?: string | null;
  /** The hub's address. Default: HF_ENDPOINT, then https://huggingface.co. */
  endpoint?: string;
  /** Default: HF_HUB_CACHE, then `hub` below HF_HOME, then ~/.cache/huggingface/hub. */
  cacheFolder?: string;
  /** Use what the cache holds and no network. Default: whether HF_HUB_OFFLINE is set. */
  offline?: boolean;
  /** Stops the download; what has arrived stays for the next time. Default: the running cell's signal. */
  signal?: AbortSignal | null;
  /** Called at most twice a second; what it throws is said on stderr, once. Default: one line on stderr, unless HF_HUB_DISABLE_PROGRESS_BARS is set. */
  onProgress?: (progress: DownloadProgress) => void;
}

/** What the options of a hub must be. */
export const HUB_RULES: Rules<HubOptions> = {
  revision: ANYTHING,
  variant: TEXT,
  token: orNull(TEXT),
  endpoint: TEXT,
  cacheFolder: TEXT,
  offline: SWITCH,
  signal: orNull(SIGNAL),
  onProgress: orNull(FUNCTION),
};

/** The same with everything decided. */
export interface HubSettings {
  revision: string;
  variant: string | undefined;
  token: string | null;
  endpoint: string;
  cacheFolder: string;
  offline: boolean;
  signal: AbortSignal | null;
  onProgress: HubOptions['onProgress'] | null;
}

/**
 * Completes options by the rules of Python's huggingface_hub, so that both find the same cache, token and hub.
 *
 * @throws When the revision could lead out of the cache's folder, or the hub's address is not http or https, or holds a password.
 */
export function hubSettings(options: HubOptions = {}): HubSettings {
  const { env } = process;
  const home = expand(
    env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface'),
  );
  const cache = env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(home, 'hub');
  const { revision = 'main' } = options;
  const endpoint = options.endpoint ?? env.HF_ENDPOINT ?? 'https://huggingface.co';
  httpUrl(endpoint);
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(revision) || revision.split('/').includes('..')) {
    throw new Error(
      `Cannot use a hub as the revision must be a branch, a tag or a commit: current value is ${JSON.stringify(revision)}`,
    );
  }
  return {
    revision,
    variant: options.variant,
    token: options.token === undefined ? findToken(home) : options.token,
    endpoint: endpoint.replace(/\/+$/, ''),
    cacheFolder: options.cacheFolder ?? expand(cache),
    offline: options.offline ?? isSet(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    signal: options.signal ?? cellSignal(),
    onProgress: options.onProgress ?? null,
  };
}

function findToken(home: string): string | null {
  const { env } = process;
  if (isSet(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return null;
  const given = (env.HF_TOKEN ?? env.HUGGING_FACE_HUB_TOKEN ?? '').trim();
  if (given !== '') return given;
  const file = expand(env.HF_TOKEN_PATH ?? join(home, 'token'));
  return existsSync(file) ? readFileSync(file, 'utf8').trim() || null : null;
}

/** `~` and `$NAME`, which a variable set outside of a shell still holds. */
function expand(path: string): string {
  return path
    .replace(/^~(?=$|[/\\])/, homedir())
    .replace(/\$(\w+)|\$\{(\w+)\}/g, (whole, a, b) => process.env[a ?? b] ?? whole);
}

import { join } from 'node:path';
import type { downloadFile, listFiles, modelInfo } from '@huggingface/hub';
import type { ModelFiles } from '../model-files';
import { openSafetensors } from '../safetensors';
import { headerLength, parseSafetensorsHeader } from '../safetensors-header';
import type { HubFile } from './download-blob';
import { HubCache, hasFile, isCommit } from './hub-cache';
import { hubFetch } from './hub-fetch';
import type { HubSettings } from './hub-settings';

/** The parts of the hub's client in use. */
interface HubClient {
  downloadFile: typeof downloadFile;
  listFiles: typeof listFiles;
  modelInfo: typeof modelInfo;
}

/** Most headers are shorter: one request instead of two. */
const USUAL_HEADER_BYTES = 64 * 1024;

/** One commit of a model on a hub: its files, their headers and their bytes. */
export class HubModel implements ModelFiles {
  readonly cache: HubCache;

  private constructor(
    readonly name: string,
    readonly commit: string,
    readonly files: ReadonlyMap<string, HubFile>,
    readonly settings: HubSettings,
    readonly client: HubClient,
  ) {
    this.cache = new HubCache(settings.cacheFolder, name);
  }

  /**
   * Asks the hub for a model's commit and its list of files, and notes the commit in the cache.
   *
   * @param name `owner/name`
   * @throws When the hub has no such model or revision, or does not give access to it.
   */
  static async find(name: string, settings: HubSettings): Promise<HubModel> {
    const client: HubClient = await import('@huggingface/hub');
    const { endpoint: hubUrl, revision } = settings;
    const common = { hubUrl, fetch: hubFetch(name, settings) };
    const info = await client.modelInfo({ ...common, name, revision, additionalFields: ['sha'] });
    const { sha: commit } = info;
    if (!isCommit(commit)) {
      throw invalidAnswer(name, 'its commit must be 40 hexadecimal digits', commit);
    }
    const files = new Map<string, HubFile>();
    const list = client.listFiles({ ...common, repo: name, revision: commit, recursive: true });
    for await (const { type, path, size, oid, lfs } of list) {
      if (type !== 'file') continue;
      checkPath(name, path);
      const hash = lfs?.oid ?? oid ?? '';
      if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
        throw invalidAnswer(name, `file "${path}" must have a hash`, hash);
      }
      files.set(path, { path, bytes: lfs?.size ?? size, hash });
    }
    const model = new HubModel(name, commit, files, settings, client);
    model.cache.remember(revision, commit);
    return model;
  }

  /** The snapshot in the cache, where files appear as they are downloaded. */
  get directory(): string {
    return this.cache.snapshot(this.commit);
  }

  names(folder: string): string[] {
    const prefix = folder === '' ? '' : `${folder}/`;
    return [...this.files.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length));
  }

  bytes(path: string): number {
    return this.#find(path).bytes;
  }

  /** Reads the header by a request for a range, or from the cache when the file is there. */
  async header(path: string) {
    const { bytes } = this.#find(path);
    const local = join(this.directory, path);
    if (hasFile(local, bytes)) {
      const file = openSafetensors(local);
      file.close();
      return file.header;
    }
    const blob = await this.#blob(path, hubFetch(this.name, this.settings));
    const read = async (start: number, end: number) =>
      new Uint8Array(await blob.slice(start, Math.min(end, bytes)).arrayBuffer());
    let head = await read(0, USUAL_HEADER_BYTES);
    const where = `${this.name}/${path}`;
    const length = headerLength(head, bytes, where);
    if (8 + length > head.length) {
      head = Buffer.concat([head, await read(head.length, 8 + length)]);
    }
    return parseSafetensorsHeader(head.subarray(8, 8 + length), bytes - 8 - length, where);
  }

  /** A file's bytes from `start` on. */
  async *read(path: string, start: number, signal: AbortSignal | null): AsyncIterable<Uint8Array> {
    const ask = hubFetch(this.name, { ...this.settings, signal });
    let refusal: unknown = null;
    const blob = await this.#blob(path, async (...request) => {
      try {
        return await ask(...request);
      } catch (error) {
        refusal = error;
        throw error;
      }
    });
    try {
      yield* blob.slice(start).stream() as unknown as AsyncIterable<Uint8Array>;
    } catch (error) {
      // The client's stream fails with the text of a refusal alone.
      throw refusal ?? error;
    }
  }

  /** A file's bytes, to be sliced. Plain HTTP, which can go on from any byte. */
  async #blob(path: string, fetch: typeof globalThis.fetch): Promise<Blob> {
    const { bytes, hash } = this.#find(path);
    const { endpoint } = this.settings;
    const address = path.split('/').map(encodeURIComponent).join('/');
    const url = `${endpoint}/${this.name}/resolve/${this.commit}/${address}`;
    const blob = await this.client.downloadFile({
      repo: this.name,
      path,
      revision: this.commit,
      hubUrl: endpoint,
      xet: false,
      fetch,
      downloadInfo: { size: bytes, etag: hash, url },
    });
    return blob as Blob;
  }

  #find(path: string): HubFile {
    const file = this.files.get(path);
    if (file === undefined) {
      throw new Error(
        `Cannot find "${path}" in model "${this.name}" at commit ${this.commit}: it has ${this.files.size} other files`,
      );
    }
    return file;
  }
}

/** Names come from a stranger and become paths here. */
function checkPath(name: string, path: string): void {
  const parts = path.split('/');
  const isPlain = parts.every(
    (part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0]/.test(part),
  );
  if (!isPlain) {
    throw invalidAnswer(name, 'its files must lie inside of it', JSON.stringify(path));
  }
}

function invalidAnswer(name: string, rule: string, value: unknown): Error {
  return new Error(`Cannot download model "${name}" as ${rule}: current value is ${value}`);
}

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A model that the server offers. */
export interface ServedModel {
  /** `owner/name` */
  name: string;
  /** Path to content. Safetensors files are large files, which lie elsewhere. */
  files: Record<string, Uint8Array>;
  /** Tags and branches besides `main`. */
  revisions?: Record<string, string>;
  /** Without this token the model is not to be seen. */
  token?: string;
  /** Whether nobody has been granted access. */
  isGated?: boolean;
}

/** A request that was answered. */
export interface Served {
  method: string;
  path: string;
  range: string | undefined;
  authorization: string | undefined;
  /** Whether the request went to where large files lie. */
  isStore: boolean;
}

/** Entries of a page of the file list: small, so that lists have several. */
const PAGE = 5;

/** A hub's routes on loopback, and a second server where it keeps large files, as a hub does. */
export class HubServer {
  readonly requests: Served[] = [];
  /** Content hash to the bytes after which the connection breaks, once for each entry. */
  readonly cuts = new Map<string, number[]>();
  /** Content hash to what is sent instead. */
  readonly replaced = new Map<string, Uint8Array>();
  /** Waits between the halves of a large file. */
  delayMs = 0;
  readonly #hub: Server;
  readonly #store: Server;

  private constructor(readonly models: readonly ServedModel[]) {
    this.#hub = createServer((request, response) => void this.#answer(request, response, false));
    this.#store = createServer((request, response) => void this.#answer(request, response, true));
  }

  static async start(...models: ServedModel[]): Promise<HubServer> {
    const server = new HubServer(models);
    for (const one of [server.#hub, server.#store]) {
      await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    }
    return server;
  }

  get endpoint(): string {
    return address(this.#hub);
  }

  /** Requests for a file's bytes. */
  reads(path: string): Served[] {
    const content = this.models.flatMap(({ files }) => files[path] ?? [])[0];
    return this.requests.filter(
      (one) => one.method === 'GET' && one.path.endsWith(`/store/${sha256(content)}`),
    );
  }

  async stop(): Promise<void> {
    for (const one of [this.#hub, this.#store]) {
      one.closeAllConnections();
      await new Promise((resolve) => one.close(resolve));
    }
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    isStore: boolean,
  ): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://hub');
    const { range, authorization } = request.headers;
    const method = request.method ?? 'GET';
    this.requests.push({
      method,
      path: decodeURIComponent(url.pathname),
      range,
      authorization,
      isStore,
    });
    if (isStore) {
      const hash = url.pathname.split('/').pop() ?? '';
      const content = this.models
        .flatMap(({ files }) => Object.values(files))
        .find((bytes) => sha256(bytes) === hash);
      if (content === undefined) return refuse(response, 404, 'EntryNotFound');
      return this.#send(request, response, this.replaced.get(hash) ?? content, {}, hash, true);
    }
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const isApi = parts[0] === 'api' && parts[1] === 'models';
    const [owner, name, ...rest] = isApi ? parts.slice(2) : parts;
    const model = this.models.find((one) => one.name === `${owner}/${name}`);
    const isKnown =
      model !== undefined &&
      (model.token === undefined || authorization === `Bearer ${model.token}`);
    if (!isKnown) return refuse(response, authorization ? 404 : 401, 'RepoNotFound');
    const [route, revision = 'main'] = rest;
    const commit = commitOf(model, revision);
    if (commit === null) return refuse(response, 404, 'RevisionNotFound');
    if (isApi && route === 'tree') return this.#tree(url, response, model);
    if (isApi) return sendJson(response, info(model, commit), { 'x-repo-commit': commit });
    if (model.isGated) return refuse(response, 403, 'GatedRepo');
    return this.#resolve(request, response, model, commit, rest.slice(2).join('/'));
  }

  #tree(url: URL, response: ServerResponse, model: ServedModel): void {
    const cursor = Number(url.searchParams.get('cursor') ?? 0);
    const entries = Object.entries(model.files).map(([path, content]) => entry(path, content));
    const headers: Record<string, string> = {};
    if (cursor + PAGE < entries.length) {
      const next = new URL(`${this.endpoint}${url.pathname}${url.search}`);
      next.searchParams.set('cursor', String(cursor + PAGE));
      headers.link = `<${next}>; rel="next"`;
    }
    sendJson(response, entries.slice(cursor, cursor + PAGE), headers);
  }

  async #resolve(
    request: IncomingMessage,
    response: ServerResponse,
    { files }: ServedModel,
    commit: string,
    path: string,
  ): Promise<void> {
    const content = files[path];
    if (content === undefined) return refuse(response, 404, 'EntryNotFound');
    const headers = { 'x-repo-commit': commit, etag: `"${gitHash(content)}"` };
    if (!isLarge(path)) return this.#send(request, response, content, headers, gitHash(content));
    response.writeHead(302, {
      ...headers,
      'x-linked-etag': `"${sha256(content)}"`,
      'x-linked-size': content.length,
      location: `${address(this.#store)}/store/${sha256(content)}`,
    });
    response.end();
  }

  async #send(
    { method, headers: { range } }: IncomingMessage,
    response: ServerResponse,
    content: Uint8Array,
    headers: Record<string, string>,
    hash: string,
    isStore = false,
  ): Promise<void> {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    const start = Number(from ?? 0);
    const end = to ? Math.min(Number(to) + 1, content.length) : content.length;
    response.writeHead(from === undefined ? 200 : 206, {
      'accept-ranges': 'bytes',
      'content-length': end - start,
      ...(from !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${content.length}` }),
      ...headers,
    });
    if (method === 'HEAD') return void response.end();
    const cut = this.cuts.get(hash)?.shift();
    const middle = Math.min(start + (cut ?? Math.floor((end - start) / 2)), end);
    response.write(content.subarray(start, middle));
    if (this.delayMs > 0 && isStore)
      await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if (cut !== undefined) setTimeout(() => response.destroy(), 20);
    else response.end(content.subarray(middle, end));
  }
}

/** The commit that a revision stands for. */
export function commitOf({ name, revisions = {} }: ServedModel, revision: string): string | null {
  const main = createHash('sha1').update(name).digest('hex');
  const commits: Record<string, string> = { main, HEAD: main, ...revisions };
  return commits[revision] ?? (Object.values(commits).includes(revision) ? revision : null);
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The hash by which git knows a file. */
export function gitHash(content: Uint8Array): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

function isLarge(path: string): boolean {
  return path.endsWith('.safetensors') || path.endsWith('.bin');
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function entry(path: string, content: Uint8Array): object {
  const oid = gitHash(content);
  const file = { type: 'file', path, size: content.length, oid };
  if (!isLarge(path)) return file;
  return { ...file, lfs: { oid: sha256(content), size: content.length, pointerSize: 134 } };
}

function info({ name, files, token, isGated = false }: ServedModel, sha: string): object {
  return {
    _id: '1',
    id: name,
    modelId: name,
    sha,
    private: token !== undefined,
    gated: isGated ? 'manual' : false,
    disabled: false,
    downloads: 0,
    likes: 0,
    tags: [],
    lastModified: '2026-01-01T00:00:00.000Z',
    createdAt: '2026-01-01T00:00:00.000Z',
    siblings: Object.keys(files).map((rfilename) => ({ rfilename })),
  };
}

function refuse(response: ServerResponse, status: number, code: string): void {
  sendJson(response, { error: code }, { 'x-error-code': code, 'x-error-message': code }, status);
}

function sendJson(
  response: ServerResponse,
  value: unknown,
  headers: Record<string, string> = {},
  status = 200,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

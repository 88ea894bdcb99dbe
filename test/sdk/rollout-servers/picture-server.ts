import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a server got it. */
export interface Asked {
  path: string;
  body: Record<string, unknown>;
  headers: IncomingMessage['headers'];
}

type Answer = (asked: Asked, response: ServerResponse, tries: number) => void | Promise<void>;

/** A server on loopback that answers one request after the other, as one with a single GPU. */
export class PictureServer {
  readonly requests: Asked[] = [];
  readonly #server: Server;
  #open = 0;
  #last: Promise<void> = Promise.resolve();
  /** Most requests that were open at one time. */
  mostOpen = 0;
  url = '';
  answer: Answer;

  constructor(readonly serve: Answer) {
    this.answer = serve;
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Requests for pictures. */
  get asked(): Asked[] {
    return this.requests.filter(({ path }) => path.includes('generat'));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostOpen = Math.max(this.mostOpen, ++this.#open);
    response.on('close', () => this.#open--);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const asked: Asked = {
      path: request.url ?? '',
      body: JSON.parse(Buffer.concat(parts).toString()) as Asked['body'],
      headers: request.headers,
    };
    this.requests.push(asked);
    const tries = this.requests.length;
    this.#last = this.#last.then(async () => {
      try {
        await this.answer(asked, response, tries);
      } catch (error) {
        sendJson(response, { detail: `Generation failed: ${(error as Error).message}` }, 500);
      }
    });
  }
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

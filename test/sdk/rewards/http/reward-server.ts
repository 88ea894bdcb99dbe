import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PixelImage } from '@flowbook/sdk';
import { decodeImage } from '../../../../sdk/src/io/image-file';
import { parseSafetensors } from '../../../../sdk/src/io/parse-safetensors';
import { encodeSafetensors } from '../../../../sdk/src/io/write-safetensors';

/** A request as the server understood it. */
export interface Asked {
  images: PixelImage[];
  prompts: string[];
  metadata: unknown;
  authorization: string | undefined;
  contentType: string | undefined;
}

type Answer = (asked: Asked, response: ServerResponse, tries: number) => void | Promise<void>;

/** Mean level of red, from 0 to 1. */
function redLevel({ data }: PixelImage): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 3) sum += data[at];
  return sum / (data.length / 3) / 255;
}

/** A server of rewards on loopback: the red of each picture, or what `answer` makes of it. */
export class RewardServer {
  readonly requests: Asked[] = [];
  url = '';
  /** Most requests that were open at one time. */
  mostOpen = 0;
  answer: Answer = (asked, response) => this.sendScores(response, asked.images.map(redLevel));
  readonly #server: Server;
  #open = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<RewardServer> {
    const server = new RewardServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}/score`;
    return server;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  sendScores(response: ServerResponse, scores: unknown[]): void {
    this.sendJson(response, JSON.stringify({ scores }));
  }

  sendJson(response: ServerResponse, text: string, status = 200): void {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(text);
  }

  /** Answers as the safetensors protocol does. */
  sendTensor(response: ServerResponse, scores: number[]): void {
    const bytes = new Uint8Array(Float32Array.from(scores).buffer);
    const tensor = { dtype: 'F32', shape: [scores.length], bytes: () => bytes } as const;
    response
      .writeHead(200, { 'content-type': 'application/safetensors' })
      .end(encodeSafetensors([['scores', tensor]], {}));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostOpen = Math.max(this.mostOpen, ++this.#open);
    response.on('close', () => this.#open--);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const asked = await understand(request, Buffer.concat(parts));
    this.requests.push(asked);
    await this.answer(asked, response, this.requests.length);
  }
}

async function understand({ headers }: IncomingMessage, body: Buffer): Promise<Asked> {
  const { authorization, 'content-type': contentType } = headers;
  const common = { authorization, contentType };
  if (contentType === 'application/json') {
    const { images, prompts, metadata } = JSON.parse(body.toString()) as {
      images: string[];
      prompts: string[];
      metadata: unknown;
    };
    const pictures = images.map((text) => decodeImage(Buffer.from(text, 'base64')));
    return { images: await Promise.all(pictures), prompts, metadata, ...common };
  }
  const tensors = parseSafetensors(body, 'a question');
  const header = JSON.parse(body.subarray(8, 8 + Number(body.readBigUInt64LE())).toString()) as {
    __metadata__: { prompts: string; metadata: string };
  };
  const images = [...tensors.keys()].map((_, at): PixelImage => {
    const { shape, data } = tensors.get(`images.${at}`)!;
    return { width: shape[1], height: shape[0], channels: 3, data: Uint8Array.from(data) };
  });
  const { prompts, metadata } = header.__metadata__;
  return {
    images,
    prompts: JSON.parse(prompts) as string[],
    metadata: JSON.parse(metadata) as unknown,
    ...common,
  };
}

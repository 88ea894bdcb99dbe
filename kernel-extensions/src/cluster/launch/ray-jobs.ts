import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { httpUrl } from '@flowbook/sdk';

/** Most bytes that Ray takes in one request. */
export const MOST_REQUEST_BYTES = 100 * 1024 * 1024;

/** Most bytes of an answer: a run's whole log is one. */
const MOST_ANSWER_BYTES = 256 * 1024 * 1024;
/** Longest silence of Ray's, in milliseconds. */
const LONGEST_SILENCE_MS = 60_000;

/** A job as Ray describes it. */
export interface RayJob {
  status: 'PENDING' | 'RUNNING' | 'STOPPED' | 'SUCCEEDED' | 'FAILED';
  message?: string | null;
  error_type?: string | null;
  driver_exit_code?: number | null;
}

/** An answer that is no success. */
export class RayJobsError extends Error {
  override name = 'RayJobsError';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Ray's Jobs REST API (2.60). Through node:http: Ray takes the headers that `fetch` adds for a browser's, and answers 405.
 */
export class RayJobs {
  /**
   * @param address Of the dashboard, as `http://10.0.0.1:8265`.
   * @throws When it is no such address, or holds a password, which messages would show.
   */
  constructor(
    readonly address: string,
    private readonly token: string,
    private readonly limits = { silenceMs: LONGEST_SILENCE_MS, answerBytes: MOST_ANSWER_BYTES },
  ) {
    httpUrl(address);
  }

  /** Uploads a zip file, unless Ray has it. @returns The address that a job's working directory is named by. */
  async upload(zip: Uint8Array, hash: string): Promise<string> {
    const name = `_ray_pkg_${hash}.zip`;
    try {
      await this.#ask('GET', `/api/packages/gcs/${name}`);
    } catch (error) {
      if (!(error instanceof RayJobsError && error.status === 404)) throw error;
      await this.#ask('PUT', `/api/packages/gcs/${name}`, zip, 'application/octet-stream');
    }
    return `gcs://${name}`;
  }

  /** @returns The job's id. */
  async submit(job: {
    entrypoint: string;
    submission_id: string;
    runtime_env: object;
    entrypoint_num_cpus?: number;
    entrypoint_resources?: Readonly<Record<string, number>>;
    metadata?: Record<string, string>;
  }): Promise<string> {
    const body = Buffer.from(JSON.stringify(job));
    const answer = await this.#ask('POST', '/api/jobs/', body, 'application/json');
    return (JSON.parse(answer) as { submission_id: string }).submission_id;
  }

  async get(id: string): Promise<RayJob> {
    return JSON.parse(await this.#ask('GET', `/api/jobs/${encodeURIComponent(id)}`)) as RayJob;
  }

  async logs(id: string): Promise<string> {
    const answer = await this.#ask('GET', `/api/jobs/${encodeURIComponent(id)}/logs`);
    return (JSON.parse(answer) as { logs: string | null }).logs ?? '';
  }

  async stop(id: string): Promise<void> {
    await this.#ask('POST', `/api/jobs/${encodeURIComponent(id)}/stop`);
  }

  #ask(method: string, path: string, body?: Uint8Array, type?: string): Promise<string> {
    const send = this.address.startsWith('https:') ? secureRequest : request;
    return new Promise((resolve, reject) => {
      const fail = (message: string, cause?: Error): void => {
        reject(
          new Error(`Cannot reach Ray at ${this.address} as it must answer: ${message}`, { cause }),
        );
        asked.destroy();
      };
      const headers = {
        Authorization: `Bearer ${this.token}`,
        ...(body && { 'Content-Length': body.length, 'Content-Type': type }),
      };
      const asked = send(new URL(path, this.address), { method, headers }, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length > this.limits.answerBytes)
            fail(`it has more than ${this.limits.answerBytes} bytes for ${path}`);
        });
        response.on('error', (error) => fail(error.message, error));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const { statusCode = 0 } = response;
          if (statusCode < 300) return resolve(text);
          reject(
            new RayJobsError(
              statusCode,
              `Cannot ask Ray at ${this.address} as ${method} ${path} must succeed: it answers ${statusCode} ${text.slice(0, 400)}`,
            ),
          );
        });
      });
      asked.on('error', (error) => fail(error.message, error));
      asked.setTimeout(this.limits.silenceMs, () =>
        fail(`it is silent for ${this.limits.silenceMs / 1000} s`),
      );
      asked.end(body);
    });
  }
}

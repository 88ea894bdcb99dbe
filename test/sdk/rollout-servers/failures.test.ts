import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { encode } from '@msgpack/msgpack';
import {
  RandomKey,
  SGLangRollouts,
  loadPipeline,
  rolloutGroups,
  tf,
  type RolloutPipeline,
  type RolloutServerOptions,
} from '@flowbook/sdk';
import { CONFIG, MODEL } from '../rollout-workers/small-rollouts';
import { sendJson } from './picture-server';
import { SELF_SIGNED } from './self-signed';
import { SGLangServer, wireTensor, type Sample } from './sglang-server';

describe('SGLangRollouts when something is wrong', function () {
  this.timeout(180_000);
  let pipeline: RolloutPipeline;
  let server: SGLangServer;
  let folder: string;
  /** A right answer, as bytes. */
  let right: Sample[];

  const rollOut = async (options: Partial<RolloutServerOptions> = {}, prompts = ['a red fox']) => {
    const servers = new SGLangRollouts(pipeline, {
      url: server.url,
      weightsFolder: folder,
      backoffMs: 1,
      ...options,
    });
    try {
      await servers.publish(1, pipeline.transformer);
      const batch = await rolloutGroups(
        pipeline,
        prompts.map((prompt) => ({ prompt })),
        {
          key: RandomKey.fromSeed(1),
          groupSize: 2,
          window: [1, 3],
          sameInitialNoise: false,
          elsewhere: { workers: servers, version: 1 },
        },
      );
      batch.dispose();
      return servers.takeReport();
    } finally {
      await servers.close();
      assert.deepEqual(readdirSync(folder), []);
    }
  };
  const rejects = (work: Promise<unknown>, message: string | RegExp) =>
    assert.rejects(work, {
      message:
        typeof message === 'string'
          ? message
              .replaceAll('SERVER', server.url)
              .replaceAll('HOST', server.url.slice('http://'.length))
          : message,
    });
  const send = (response: ServerResponse, samples: unknown, type = 'application/msgpack') =>
    void response.writeHead(200, { 'content-type': type }).end(encode(samples));
  /** Answers requests for pictures; weights are taken as they come. */
  const answerBy = (answer: (response: ServerResponse, tries: number) => unknown) => {
    let tries = 0;
    server.answer = async (asked, response) => {
      if (asked.path === '/rollout/generate') await answer(response, ++tries);
      else sendJson(response, { success: true, message: '' });
    };
  };

  before(async () => {
    pipeline = await loadPipeline(MODEL, CONFIG);
    server = (await new SGLangServer(pipeline).start()) as SGLangServer;
    folder = mkdtempSync(join(tmpdir(), 'flowbook-weights-'));
    right = [];
    server.change = (sample) => {
      right.push(sample);
      return sample;
    };
    await rollOut();
    server.change = (sample) => sample;
  });

  beforeEach(() => {
    server.requests.length = 0;
    server.mostOpen = 0;
    answerBy((response) => send(response, right));
  });

  after(async () => {
    await server.stop();
    pipeline.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('asks in the words of its protocol, and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const { workers } = await rollOut({ headers: { 'x-queue': 'low' } });
    assert.equal(tf.memory().numTensors, before);
    const [load, asked] = server.requests;
    assert.equal(load.path, '/update_weights_from_disk');
    const { model_path: path, ...rest } = load.body;
    assert.ok((path as string).startsWith(folder));
    assert.deepEqual(rest, { target_modules: ['transformer'], flush_cache: true });
    const { seed, ...body } = asked.body;
    assert.ok(Number.isSafeInteger(seed));
    assert.deepEqual(body, {
      prompt: 'a red fox',
      num_outputs_per_prompt: 2,
      width: 32,
      height: 32,
      num_inference_steps: 4,
      guidance_scale: 1,
      true_cfg_scale: 1,
      rollout: true,
      rollout_sde_type: 'sde',
      rollout_noise_level: 0.7,
      rollout_log_prob_no_const: false,
      rollout_debug_mode: false,
      rollout_return_denoising_env: false,
      rollout_return_dit_trajectory: true,
      rollout_sde_step_indices: [1, 2],
      rollout_return_step_indices: [1, 2, 3],
      suppress_logs: true,
    });
    assert.equal(asked.headers['x-queue'], 'low');
    const [{ worker, parts, busySeconds, bytesIn, bytesOut }] = workers;
    assert.deepEqual([worker, parts, busySeconds], [server.url.slice(7), 1, 0.25]);
    assert.ok(bytesIn > 300 && bytesOut > 10_000);
  });

  it('sends a token in a header, and shows it nowhere', async () => {
    process.env.FLOWBOOK_TEST_PICTURES_TOKEN = 'secret-token';
    try {
      await rollOut({ tokenVariable: 'FLOWBOOK_TEST_PICTURES_TOKEN' });
      assert.ok(
        server.requests.every(({ headers }) => headers.authorization === 'Bearer secret-token'),
      );
      answerBy((response) => sendJson(response, { detail: 'Unauthorized' }, 401));
      const failed = await rollOut({ tokenVariable: 'FLOWBOOK_TEST_PICTURES_TOKEN' }).catch(
        (error: Error) => error,
      );
      assert.ok(failed instanceof Error);
      assert.match(failed.message, /current value is 401 \(Unauthorized\)$/);
      assert.ok(!`${failed.stack}${JSON.stringify(failed)}`.includes('secret-token'));
    } finally {
      delete process.env.FLOWBOOK_TEST_PICTURES_TOKEN;
    }
    await rejects(
      rollOut({ tokenVariable: 'FLOWBOOK_TEST_PICTURES_TOKEN' }),
      'Cannot roll out on servers as the environment variable FLOWBOOK_TEST_PICTURES_TOKEN must hold a token: it is not set',
    );
  });

  it('tries again what may pass: 5xx, half an answer, an answer that does not come', async () => {
    const passing: ((response: ServerResponse) => void)[] = [
      (response) => sendJson(response, { detail: 'Generation failed: out of memory' }, 500),
      (response) => sendJson(response, { error: { message: 'busy' } }, 503),
      (response) => {
        response.writeHead(200, {
          'content-type': 'application/msgpack',
          'content-length': '100000',
        });
        response.write(Buffer.alloc(50), () => response.destroy());
      },
      (response) => void response.destroy(),
      () => {},
    ];
    for (const fail of passing) {
      answerBy((response, tries) => (tries === 1 ? fail(response) : send(response, right)));
      const { requeued } = await rollOut({ timeoutMs: 2000 });
      assert.equal(requeued, 1);
      // Once more: who broke off may have been restarted.
      assert.deepEqual(
        server.requests.map(({ path }) => path.slice(1, 7)),
        ['update', 'rollou', 'update', 'rollou'],
      );
      server.requests.length = 0;
    }
    answerBy((response) => sendJson(response, { detail: 'no memory' }, 500));
    await rejects(
      rollOut({ retries: 1 }),
      'Cannot get an answer from SERVER/rollout/generate as its status must be 200 to 299: current value is 500 (no memory) (2 tries)',
    );
  });

  it('gives up on a server that says no, or sends elsewhere, or too much', async () => {
    answerBy((response) => sendJson(response, { detail: 'Invalid sampling params: seed' }, 400));
    await rejects(
      rollOut(),
      'Cannot get an answer from SERVER/rollout/generate as its status must be 200 to 299: current value is 400 (Invalid sampling params: seed)',
    );
    assert.equal(server.asked.length, 1);
    server.answer = (_, response) =>
      sendJson(response, { success: false, message: 'no file' }, 400);
    await rejects(
      rollOut(),
      'Cannot get an answer from SERVER/update_weights_from_disk as its status must be 200 to 299: current value is 400 (no file)',
    );
    answerBy((response) =>
      response.writeHead(307, { location: 'http://example.com/rollout/generate' }).end(),
    );
    await rejects(
      rollOut(),
      'Cannot get an answer from SERVER/rollout/generate as it may redirect by 307 or 308 within SERVER, 3 times: current answer is 307 to "http://example.com/rollout/generate"',
    );
    answerBy((response) => send(response, right));
    await rejects(
      rollOut({ maxResponseBytes: 1000 }),
      /^Cannot read the answer of .* as it must have at most 1000 bytes: current value is \d+/,
    );
  });

  it('refuses what is not a rollout, and names what is wrong in it', async () => {
    const [sample] = right;
    const trajectory = sample.dit_trajectory;
    const changed = (part: Record<string, unknown>) => [{ ...sample, ...part }, sample];
    const walk = (part: Record<string, unknown>) =>
      changed({ dit_trajectory: { ...trajectory, ...part } });
    const P = 'picture 0 in a rollout of HOST';
    const wrong: [samples: unknown, message: string][] = [
      [
        [sample],
        'Cannot read a rollout of HOST as it must have one entry for each of 2 pictures: current value is 1',
      ],
      [
        { error: 'what' },
        'Cannot read a rollout of HOST as it must be a list of objects: current value is {"error":"what"}',
      ],
      [
        walk({ latents: wireTensor([3, 4, 16], Array(192).fill(NaN)) }),
        `Cannot read the latents of ${P} as its numbers must be finite: number 0 of 192 is NaN`,
      ],
      [
        walk({ latents: wireTensor([3, 5, 16], Array(240).fill(0)) }),
        `Cannot read the latents of ${P} as their shape must be (3, 4, 16), or (5, 4, 16): current value is (3, 5, 16)`,
      ],
      [
        walk({ latents: null }),
        `Cannot read the latents of ${P} as it must be {"__tensor__": true, "data": ...}: current value is null`,
      ],
      [
        walk({ latent_step_indices: wireTensor([3], [0, 1, 2]) }),
        `Cannot read the latents of ${P} as they must be of steps 1, 2, 3: current value is 0, 1, 2`,
      ],
      [
        walk({ sigmas: wireTensor([5], [1, 0.75, 0.5, 0.25, 0]) }),
        `Cannot take ${P} as its noise levels must be the trainer's, within 0.0001: noise level 1 is 0.75, the trainer's is SIGMA`,
      ],
      [
        walk({ sigmas: wireTensor([2], [1, 0]) }),
        `Cannot take ${P} as its noise levels must be the trainer's, within 0.0001: it has 2, the trainer 5`,
      ],
      [
        changed({ rollout_log_probs: wireTensor([2], [0, 0]) }),
        `Cannot read the log-probabilities of ${P} as their shape must be (4): current value is (2)`,
      ],
      [
        changed({ rollout_log_probs: wireTensor([4], [0, Infinity, 0, 0]) }),
        `Cannot read the log-probabilities of ${P} as its numbers must be finite: number 1 of 4 is Infinity`,
      ],
      [
        changed({ generated_output: wireTensor([3, 16, 32], Array(1536).fill(0)) }),
        `Cannot read ${P} as its shape must be (3, 32, 32) or (3, 1, 32, 32): current value is (3, 16, 32)`,
      ],
    ];
    const { sigmaValues } = pipeline.scheduler;
    for (const [samples, message] of wrong) {
      answerBy((response) => send(response, samples));
      await rejects(rollOut(), message.replace('SIGMA', String(sigmaValues[1])));
    }
    answerBy((response) => send(response, right, 'text/html'));
    await rejects(
      rollOut(),
      'Cannot read a rollout of HOST as its content type must be application/msgpack: current value is text/html',
    );
    answerBy((response) =>
      response
        .writeHead(200, { 'content-type': 'application/msgpack' })
        .end(Buffer.from('c1', 'hex')),
    );
    await rejects(rollOut(), /^Cannot read a rollout of .* as it must be MessagePack: /);
    answerBy((response) =>
      send(
        response,
        walk({
          latents: { __tensor__: true, data: 'AAAA', shape: [3, 4, 16], dtype: 'torch.float32' },
        }),
      ),
    );
    await rejects(rollOut(), /^Cannot read safetensors file "the latents of picture 0 in /);
  });

  it('has a server no more requests at a time than it may have', async () => {
    const prompts = ['a', 'b', 'c', 'd', 'e', 'f'];
    // Each answer waits for three open requests, or for the last ones, however long they take to come.
    let answered = 0;
    answerBy(async (response) => {
      while (server.asked.length < Math.min(answered + 3, prompts.length)) await setImmediate();
      answered += 1;
      send(response, right);
    });
    await rollOut({ requestsInFlight: 3 }, prompts);
    assert.deepEqual([server.asked.length, server.mostOpen], [6, 3]);
  });

  it('goes to another server when one is gone', async () => {
    const { url } = server;
    const gone = (await new SGLangServer(pipeline).start()) as SGLangServer;
    await gone.stop();
    const { workers, requeued } = await rollOut({ url: [gone.url, url], requestsInFlight: 1 }, [
      'a',
      'b',
      'c',
    ]);
    assert.deepEqual(
      new Map(workers.map(({ worker, parts }) => [worker, parts])),
      new Map([
        [gone.url.slice(7), 0],
        [url.slice(7), 3],
      ]),
    );
    assert.ok(requeued > 0);
  });

  it('trusts no certificate that nobody signed', async () => {
    const tls = createTlsServer(SELF_SIGNED, (_, response) => void response.end('{}'));
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
    try {
      await rejects(rollOut({ url, retries: 0 }), /self-signed certificate/);
    } finally {
      tls.closeAllConnections();
      await new Promise((resolve) => tls.close(resolve));
    }
  });

  it('says which option breaks its rule', () => {
    const open = (options: Partial<RolloutServerOptions>) => () =>
      new SGLangRollouts(pipeline, { url: server.url, weightsFolder: folder, ...options });
    const start = 'Cannot roll out on servers as ';
    const wrong: [Partial<RolloutServerOptions>, string][] = [
      [
        { requestsInFlight: 0 },
        'requestsInFlight must be a whole number from 1 to 1024: current value is 0',
      ],
      [
        { timeoutMs: 600_000 },
        'timeoutMs must be a whole number from 1 to 300000: current value is 600000',
      ],
      [{ mostGap: 0 }, 'mostGap must be above 0: current value is 0'],
      [{ weightsFolder: '' }, 'weightsFolder must name a folder: current value is ""'],
      [{ url: [] }, 'url must name a server: current value is none'],
      [
        { url: ['http://a:1', 'http://a:1/'] },
        'urls must differ: current value is http://a:1/, http://a:1/',
      ],
    ];
    for (const [options, message] of wrong) {
      assert.throws(open(options), { message: `${start}${message}` });
    }
    assert.throws(open({ url: 'http://me:word@host' }), /its address must hold no user name/);
  });
});

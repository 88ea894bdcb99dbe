import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  httpReward,
  pixelImage,
  scoreRewards,
  scoreWeightedRewards,
  type HttpRewardOptions,
  type PixelImage,
} from '@flowbook/sdk';
import { takeRewardMetrics } from '../../../../sdk/src/rewards/take-reward-metrics';
import { RewardServer } from './reward-server';

const LEVELS = [0, 51, 102, 153, 204, 255];
const images = LEVELS.map((level) => pixelImage(2, 1, [level, 0, 9, level, 7, 0]));
const prompts = LEVELS.map((level) => ({ prompt: `red of ${level}` }));
const expected = LEVELS.map((level) => level / 255);

describe('httpReward()', () => {
  let server: RewardServer;
  beforeEach(async () => {
    server = await RewardServer.start();
  });
  afterEach(() => server.stop());

  const rate = (options: Partial<HttpRewardOptions> = {}, pictures: PixelImage[] = images) =>
    httpReward({ url: server.url, backoffMs: 1, ...options })(
      pictures,
      prompts.slice(0, pictures.length),
      { signal: null },
    );
  const rejects = async (work: Promise<unknown>, message: string) => {
    await assert.rejects(work, { message: message.replaceAll('SERVER', server.url) });
  };

  it('sends PNG and prompts as JSON, and gives the scores in order', async () => {
    assert.deepEqual(await rate({ metadata: { model: 'red' } }), expected);
    const [{ images: sent, prompts: texts, metadata, contentType }] = server.requests;
    assert.deepEqual(sent, images);
    assert.deepEqual(
      texts,
      prompts.map(({ prompt }) => prompt),
    );
    assert.deepEqual([metadata, contentType], [{ model: 'red' }, 'application/json']);
  });

  it('sends pictures of any sizes as a safetensors file, and reads scores from one', async () => {
    const sizes = [images[5], pixelImage(1, 2, [255, 0, 0, 0, 0, 0])];
    server.answer = (asked, response) =>
      server.sendTensor(
        response,
        asked.images.map(({ height }) => height / 4),
      );
    assert.deepEqual(await rate({ protocol: 'safetensors' }, sizes), [0.25, 0.5]);
    const [{ images: sent, prompts: texts, contentType }] = server.requests;
    assert.deepEqual(sent, sizes);
    assert.deepEqual(texts, ['red of 0', 'red of 51']);
    assert.equal(contentType, 'application/safetensors');
  });

  it('asks nothing for no pictures', async () => {
    assert.deepEqual(await rate({}, []), []);
    assert.equal(server.requests.length, 0);
  });

  it('divides pictures among requests, of which only some are on their way at a time', async () => {
    const { answer } = server;
    server.answer = async (asked, response, tries) => {
      await sleep(30 / tries);
      await answer(asked, response, tries);
    };
    const values = await rate({ picturesPerRequest: 1, requestsInFlight: 2 });
    assert.deepEqual(values, expected);
    assert.deepEqual([server.requests.length, server.mostOpen], [6, 2]);
  });

  it('sends what verl’s ground truth says, when asked to', async () => {
    const records = prompts.map(({ prompt }) => ({
      prompt: 'something else',
      reward_model: { style: 'model', ground_truth: prompt },
    }));
    const reward = httpReward({ url: server.url, text: 'ground_truth' });
    assert.deepEqual(await reward(images, records, { signal: null }), expected);
    assert.equal(server.requests[0].prompts[1], 'red of 51');
    await rejects(
      reward(images, prompts, { signal: null }),
      'Cannot ask a server for rewards as reward_model.ground_truth of every prompt must be a text: current value of "red of 0" is undefined',
    );
  });

  it('sends the token that an environment variable holds', async () => {
    process.env.FLOWBOOK_TEST_REWARD_TOKEN = 'secret';
    await rate({ tokenVariable: 'FLOWBOOK_TEST_REWARD_TOKEN' });
    assert.equal(server.requests[0].authorization, 'Bearer secret');
    delete process.env.FLOWBOOK_TEST_REWARD_TOKEN;
    await rejects(
      rate({ tokenVariable: 'FLOWBOOK_TEST_REWARD_TOKEN' }),
      'Cannot ask a server for rewards as the environment variable FLOWBOOK_TEST_REWARD_TOKEN must hold a token: it is not set',
    );
  });

  for (const status of [408, 429, 500, 503]) {
    it(`tries again after status ${status}`, async () => {
      const { answer } = server;
      server.answer = (asked, response, tries) =>
        tries <= 2
          ? server.sendJson(response, '{"error": "busy"}', status)
          : answer(asked, response, tries);
      assert.deepEqual(await rate({ retries: 2 }), expected);
      assert.equal(server.requests.length, 3);
    });
  }

  it('says how often it tried, and what the server said', async () => {
    server.answer = (_, response) => server.sendJson(response, '{"error": "no memory"}', 500);
    await rejects(
      rate({ retries: 1 }),
      'Cannot get an answer from SERVER as its status must be 200 to 299: current value is 500 (no memory) (2 tries)',
    );
    assert.equal(server.requests.length, 2);
  });

  it('does not try again what will fail again', async () => {
    const answers: [(response: Parameters<RewardServer['sendJson']>[0]) => void, string][] = [
      [
        (response) => response.writeHead(404).end('no such page'),
        'Cannot get an answer from SERVER as its status must be 200 to 299: current value is 404 (no such page)',
      ],
      [
        (response) => server.sendJson(response, '{"error": "no such model"}'),
        'Cannot read the scores of SERVER as it failed: no such model',
      ],
      [
        (response) => server.sendScores(response, [1, 2, 3]),
        'Cannot read the scores of SERVER as there must be one for each of 6 pictures: current value is 3',
      ],
      [
        (response) => server.sendScores(response, [1, 2, null, 4, 5, 6]),
        'Cannot read the scores of SERVER as they must be finite numbers: current value is null for picture 2',
      ],
      [
        (response) => server.sendTensor(response, [1, 2, 3, 4, NaN, 6]),
        'Cannot read the scores of SERVER as they must be finite numbers: current value is NaN for picture 4',
      ],
      [
        (response) => server.sendJson(response, '{"score": 1}'),
        'Cannot read the scores of SERVER as its answer must be {"scores": [...]}: current value is {"score":1}',
      ],
      [
        (response) => server.sendJson(response, 'null'),
        'Cannot read the scores of SERVER as its answer must be {"scores": [...]}: current value is null',
      ],
      [
        (response) => response.end('<html>'),
        'Cannot read the scores of SERVER as its content type must be application/json or application/safetensors: current value is none',
      ],
    ];
    for (const [answer, message] of answers) {
      server.requests.length = 0;
      server.answer = (_, response) => answer(response);
      await rejects(rate(), message);
      assert.equal(server.requests.length, 1, message);
    }
  });

  it('refuses garbage, and numbers that JSON does not know', async () => {
    for (const text of ['', '{"scores": [1, 2', '{"scores": [NaN, 1, 1, 1, 1, 1]}']) {
      server.answer = (_, response) => server.sendJson(response, text);
      await assert.rejects(
        rate(),
        /as its answer must be JSON, which knows no NaN and no Infinity: /,
      );
    }
    server.answer = (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/safetensors' }).end('rubbish');
    await assert.rejects(rate(), /Cannot read safetensors file "answer of http/);
  });

  it('refuses a pickle in words, whatever its content type says', async () => {
    // pickle.dumps({"scores": [0.5]})
    const pickle = Buffer.from(
      '80049517000000000000007d948c0673636f726573945d94473fe00000000000006173 2e'.replace(' ', ''),
      'hex',
    );
    for (const type of ['application/octet-stream', 'text/html', 'application/json']) {
      server.answer = (_, response) =>
        void response.writeHead(200, { 'content-type': type }).end(pickle);
      await rejects(
        rate(),
        'Cannot read the scores of SERVER as an answer must be JSON or safetensors: it is a Python pickle, which can run any program when it is read; let the server answer {"scores": [...]} as application/json',
      );
    }
    server.answer = (_, response) => void response.writeHead(500).end(pickle);
    await assert.rejects(
      rate({ retries: 0 }),
      /current value is 500 \(with a Python pickle, which is not read\)/,
    );
  });

  it('tries again when an answer breaks off in the middle', async () => {
    const { answer } = server;
    server.answer = (asked, response, tries) => {
      if (tries > 1) return answer(asked, response, tries);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"scores": [0.5', () => response.destroy());
    };
    assert.deepEqual(await rate({ retries: 1 }), expected);
    assert.equal(server.requests.length, 2);
  });

  it('waits no longer than it may, for the start of an answer and for its end', async () => {
    server.answer = (_, response, tries) => {
      if (tries > 1) response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    };
    const message = 'Cannot get an answer from SERVER as it must come within 300 ms (2 tries)';
    await rejects(rate({ timeoutMs: 300, retries: 1 }), message);
  });

  it('says that nobody answers', async () => {
    const { url } = server;
    await server.stop();
    await assert.rejects(
      rate({ url, retries: 1 }),
      /Cannot get an answer from .*ECONNREFUSED.* \(2 tries\)/,
    );
    server = await RewardServer.start();
  });

  it('refuses an answer that is too long, whether it says so or not', async () => {
    const long = `{"scores": [${Array(1000).fill(1)}]}`;
    for (const declared of [true, false]) {
      server.answer = (_, response) => {
        const length = declared ? { 'content-length': String(long.length) } : {};
        response.writeHead(200, { 'content-type': 'application/json', ...length }).end(long);
      };
      await assert.rejects(
        rate({ maxResponseBytes: 100 }),
        /as it must have at most 100 bytes: current value is \d+/,
      );
    }
  });

  it('stops at once when the signal is aborted, while it waits for an answer and between tries', async () => {
    const stop = async (reward: ReturnType<typeof httpReward>) => {
      const controller = new AbortController();
      const rating = reward(images, prompts, { signal: controller.signal });
      while (server.requests.length === 0) await sleep(5);
      controller.abort(new Error('stop'));
      await assert.rejects(rating, { message: 'stop' });
    };
    server.answer = () => {};
    await stop(httpReward({ url: server.url, picturesPerRequest: 1 }));
    server.requests.length = 0;
    server.answer = (_, response) => server.sendJson(response, '{}', 503);
    await stop(httpReward({ url: server.url, backoffMs: 6e5 }));
  });

  it('follows a redirect within the server, and none that leads elsewhere', async () => {
    const other = await RewardServer.start();
    try {
      const { answer } = server;
      const redirectTo = (location: string, status = 307) => {
        server.requests.length = 0;
        server.answer = (asked, response, tries) =>
          tries === 1
            ? void response.writeHead(status, { location }).end()
            : answer(asked, response, tries);
      };
      redirectTo('/elsewhere');
      assert.deepEqual(await rate(), expected);
      for (const [location, status] of [
        [other.url, 307],
        ['/elsewhere', 302],
        ['/elsewhere', 300],
        ['http://[', 307],
      ] as const) {
        redirectTo(location, status);
        const { origin } = new URL(server.url);
        await rejects(
          rate(),
          `Cannot get an answer from SERVER as it may redirect by 307 or 308 within ${origin}, 3 times: current answer is ${status} to "${location}"`,
        );
      }
      assert.equal(other.requests.length, 0);
      server.answer = (_, response) => void response.writeHead(307, { location: '/score' }).end();
      await assert.rejects(rate(), /, 3 times: current answer is 307 to "\/score"$/);
    } finally {
      await other.stop();
    }
  });

  it('refuses other addresses and options', () => {
    for (const [options, message] of [
      [{ url: 'score' }, 'Cannot send to an address as it must be a URL: current value is "score"'],
      [
        { url: 'file:///etc/passwd' },
        'Cannot send to an address as it must start with http:// or https://: current value is "file:///etc/passwd"',
      ],
      [
        { url: 'http://me:secret@127.0.0.1/' },
        'Cannot send to http://127.0.0.1 as its address must hold no user name and no password, which would be written to logs',
      ],
      [
        { retries: -1 },
        'Cannot ask a server for rewards as retries must be a number from 0: current value is -1',
      ],
      [
        { timeoutMs: NaN },
        'Cannot ask a server for rewards as timeoutMs must be a number from 1 to 300000: current value is NaN',
      ],
      [
        { timeoutMs: 300_001 },
        'Cannot ask a server for rewards as timeoutMs must be a number from 1 to 300000: current value is 300001',
      ],
      [
        { backoffMs: 600_001 },
        'Cannot ask a server for rewards as backoffMs must be a number from 0 to 600000: current value is 600001',
      ],
      [
        { backoffMs: Infinity },
        'Cannot ask a server for rewards as backoffMs must be a number from 0 to 600000: current value is Infinity',
      ],
      [
        { protocol: 'pickle' },
        'Cannot ask a server for rewards as protocol must be json or safetensors: current value is pickle',
      ],
    ] as const) {
      assert.throws(() => httpReward({ url: server.url, ...(options as object) }), { message });
    }
  });

  it('of several rewards, leaves out the pictures of requests that failed, or counts 0', async () => {
    const { answer } = server;
    server.answer = (asked, response, tries) =>
      asked.prompts.includes('red of 153')
        ? server.sendJson(response, '{"error": "too red"}')
        : answer(asked, response, tries);
    const term = { url: server.url, picturesPerRequest: 2, weight: 2 };
    const one = async () => images.map(() => 1);
    const dropped = await scoreWeightedRewards({ one, red: term }, images, prompts, {
      signal: null,
    });
    const left = expected.map((value, at) => (at === 2 || at === 3 ? NaN : 1 + 2 * value));
    assert.deepEqual(dropped.rewards, left);
    assert.deepEqual(dropped.failures, [
      {
        reward: 'red',
        pictures: 2,
        message: `Cannot score reward "${server.url}" as it failed: 1 of 3 requests failed: Cannot read the scores of ${server.url} as it failed: too red`,
      },
    ]);
    const zero = { signal: null, onFailure: 'zero' } as const;
    const counted = await scoreWeightedRewards({ one, red: term }, images, prompts, zero);
    assert.deepEqual(
      counted.rewards,
      left.map((value) => (Number.isNaN(value) ? 1 : value)),
    );
    await rejects(
      scoreWeightedRewards({ one, red: { ...term, required: true } }, images, prompts, zero),
      `Cannot score pictures as reward "red" is required and failed on 2 of 6: Cannot score reward "SERVER" as it failed: 1 of 3 requests failed: Cannot read the scores of SERVER as it failed: too red`,
    );
  });

  it('is meant by { url } alone as well', async () => {
    const alone = await scoreWeightedRewards({ url: server.url }, images, prompts, {
      signal: null,
    });
    assert.deepEqual(alone.terms, { http: expected });
    const secret = { url: server.url, headers: { authorization: 'secret' } };
    await assert.rejects(scoreWeightedRewards(secret, images, prompts, { signal: null }), {
      message:
        "Cannot take a server's reward as its headers must be given to httpReward(), or a token by tokenVariable: a run writes down its settings",
    });
  });

  it('of a term with cache is asked once about the same pictures, and says so in the log', async () => {
    const terms = { judge: { url: server.url, cache: true, weight: 2 }, red: 'redness' };
    const score = async () =>
      (await scoreWeightedRewards(terms, images, prompts, { signal: null })).terms.judge;
    assert.deepEqual(await score(), expected);
    assert.deepEqual(await score(), expected);
    assert.equal(server.requests.length, 1);
    const counts = { hits: 6, misses: 6, kept: 6 };
    const logged = Object.entries(counts).map(([name, n]) => [`reward_cache/judge/${name}`, n]);
    assert.deepEqual(takeRewardMetrics(terms), Object.fromEntries(logged));
    const alone = { url: server.url, cache: { name: 'quality', mostRatings: 2 } };
    await scoreWeightedRewards(alone, images, prompts, { signal: null });
    assert.equal(takeRewardMetrics(alone)['reward_cache/quality/kept'], 2);
    const wrong = { judge: { url: server.url, cache: 'yes' as unknown as boolean } };
    await assert.rejects(scoreWeightedRewards(wrong, images, prompts, { signal: null }), {
      message:
        'Cannot keep a reward\'s ratings as cache must be true, false or an object of options: current value of "judge" is yes',
    });
  });

  it('is a reward like any other', async () => {
    const reward = httpReward({ url: server.url });
    assert.deepEqual(await scoreRewards(reward, images, prompts, { signal: null }), expected);
  });
});

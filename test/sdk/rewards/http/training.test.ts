import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPipeline, trainFlowGRPO, type StepReport } from '@flowbook/sdk';
import { RewardServer } from './reward-server';

describe('trainFlowGRPO() with rewards from a server', function () {
  this.timeout(120_000);
  let server: RewardServer;
  let folder = '';
  before(async () => {
    server = await RewardServer.start();
    folder = mkdtempSync(join(tmpdir(), 'flowbook-http-'));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  it('trains on the pictures that were rated, and writes the address down without the token', async () => {
    const { answer } = server;
    server.answer = (asked, response, tries) =>
      tries === 2 ? server.sendScores(response, ['red']) : answer(asked, response, tries);
    process.env.FLOWBOOK_TEST_REWARD_TOKEN = 'a secret';
    const pipeline = await loadPipeline('datasets/tiny-qwen-image', {
      algorithm: 'flow_grpo',
      pipeline: { height: 64, width: 64, num_inference_steps: 3, true_cfg_scale: 1 },
    });
    const reports: StepReport[] = [];
    const { log } = await trainFlowGRPO(pipeline, {
      prompts: ['a red circle'],
      reward: {
        redness: 'redness',
        judge: {
          url: server.url,
          weight: 2,
          picturesPerRequest: 2,
          requestsInFlight: 1,
          tokenVariable: 'FLOWBOOK_TEST_REWARD_TOKEN',
        },
      },
      steps: 1,
      groupSize: 4,
      sdeWindowSize: 1,
      sdeWindowRange: [0, 2],
      compile: false,
      runDirectory: folder,
      onStep: (report) => void reports.push(report),
    });
    delete process.env.FLOWBOOK_TEST_REWARD_TOKEN;
    assert.deepEqual(
      reports[0].rewards.map((reward) => Number.isNaN(reward)),
      [false, false, true, true],
    );
    assert.equal(log[0].rewardFailures, 2);
    assert.ok('reward/judge' in log[0]);
    assert.ok(server.requests.every(({ authorization }) => authorization === 'Bearer a secret'));
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.jsonl?$/.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8'));
    assert.ok(files.some((text) => text.includes(server.url)));
    assert.ok(files.every((text) => !text.includes('a secret')));
  });
});

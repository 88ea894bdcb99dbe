import assert from 'node:assert/strict';
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { readRunLog, readRunRecord } from '@flowbook/sdk';
import { textOnStderr } from '../../io/hub/text-on-stderr';
import { keepEnvironment } from '../../../setup/keep-environment';
import { SMALL_RUNS, inFolder, loadSmall, trainedWeights, type SmallOptions } from './small-runs';

const { algorithm, train } = SMALL_RUNS.FlowGRPO;

/** Trains to step 4. @returns The steps that it did, the weights that it ended with, and what was said. */
async function run(options: SmallOptions) {
  const pipeline = await loadSmall(algorithm);
  try {
    const did: number[] = [];
    const onStep = (report: { step: number }): void => {
      did.push(report.step);
      if (report.step === 3) options.onStep?.(report, undefined as never);
    };
    const said = await textOnStderr(async () => {
      await train(pipeline, { checkpointEverySteps: 1, ...options, onStep });
    });
    return { did, said, weights: trainedWeights(pipeline) };
  } finally {
    pipeline.dispose();
  }
}

describe('a run that began from a checkpoint of elsewhere', function () {
  this.timeout(180_000);

  const restore = keepEnvironment('FLOWBOOK_RESUME');
  afterEach(() => restore());

  it('goes on with its own steps where its program is taken up again', () =>
    inFolder(async (parent) => {
      const [from, copy] = ['from', 'copy'].map((name) => join(parent, name));
      await run({ runDirectory: from, steps: 2 });
      cpSync(join(from, 'checkpoints/last'), copy, { recursive: true });
      const { weights } = await run({ resume: copy, runDirectory: join(parent, 'whole') });
      for (const resume of [copy, from]) {
        for (const checkpointEverySteps of [1, null]) {
          const name = `${resume}-${checkpointEverySteps}`;
          const controller = new AbortController();
          const onStep = () => controller.abort(new Error('stopped'));
          const { signal } = controller;
          const how = { resume, checkpointEverySteps, signal, onStep };
          delete process.env.FLOWBOOK_RESUME;
          const stopped = await run({ ...how, runDirectory: `${name}-stopped` });
          assert.deepEqual(stopped.did, [3]);
          // What this process has trained in one folder, another has in the other.
          const runDirectory = `${name}-run`;
          renameSync(`${name}-stopped`, runDirectory);
          process.env.FLOWBOOK_RESUME = 'auto';
          if (resume === from) {
            await assert.rejects(run({ resume, runDirectory, seed: 8 }), {
              message: /must hold no other training: it has log\.jsonl/,
            });
            renameSync(runDirectory, `${name}-again`);
          }
          const folder = resume === from ? `${name}-again` : runDirectory;
          const again = await run({ resume, runDirectory: folder });
          assert.deepEqual(again.did, checkpointEverySteps === null ? [3, 4] : [4]);
          assert.deepEqual(again.weights, weights);
          assert.equal(
            again.said.includes(`Goes on with "${folder}", which began from "${resume}"\n`),
            checkpointEverySteps !== null,
          );
          assert.deepEqual(
            readRunLog(folder).lines.map(({ step }) => step),
            resume === from ? [1, 2, 3, 4] : [3, 4],
          );
          const after = checkpointEverySteps === null ? 2 : 3;
          assert.deepEqual(readRunRecord(folder)?.resumedAfter, [2, after]);
        }
      }
    }));
});

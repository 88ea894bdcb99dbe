import assert from 'node:assert/strict';
import { flowGRPOOptions, loadRunConfig, type TrainableModel } from '@flowbook/sdk';
import { setGradientCheckpointing } from '../../../sdk/src/training/set-gradient-checkpointing';
import { loadSmall, SMALL_RUNS } from './run/small-runs';

describe('gradientCheckpointing', function () {
  this.timeout(120_000);

  for (const [name, { algorithm, train }] of Object.entries(SMALL_RUNS)) {
    it(`reaches the transformer, and leaves gradients as they are (${name})`, async () => {
      const norms: number[] = [];
      for (const gradientCheckpointing of [undefined, true, false]) {
        const pipeline = await loadSmall(algorithm);
        const { log } = await train(pipeline, { steps: 1, gradientCheckpointing });
        const { isGradientCheckpointing } = pipeline.transformer;
        assert.equal(isGradientCheckpointing, gradientCheckpointing ?? false);
        norms.push(log[0].gradNorm);
        pipeline.dispose();
      }
      const [plain, again, off] = norms;
      assert.equal(off, plain);
      assert.ok(plain > 0 && Math.abs(again - plain) < 1e-5 * plain, String(norms));
    });
  }

  it('is left as the transformer is set where nothing is said of it', async () => {
    const { algorithm, train } = SMALL_RUNS.FlowGRPO;
    const pipeline = await loadSmall(algorithm);
    const { transformer } = pipeline;
    transformer.enableGradientCheckpointing();
    await train(pipeline, { steps: 1 });
    assert.ok(transformer.isGradientCheckpointing);
    await train(pipeline, { steps: 1, gradientCheckpointing: false });
    assert.ok(!transformer.isGradientCheckpointing);
    pipeline.dispose();
  });

  it("follows verl-omni's key where a run gives it, and not its default", () => {
    const key = 'actor_rollout_ref.model.enable_gradient_checkpointing';
    const followed = [[], [`${key}=true`], [`${key}=false`]].map(
      (overrides) =>
        flowGRPOOptions(loadRunConfig(null, overrides), { prompts: ['a fox'] })
          .gradientCheckpointing,
    );
    assert.deepEqual(followed, [null, true, false]);
  });

  it('is refused where the transformer offers no such thing', () => {
    class OwnModel {}
    const model = new OwnModel() as unknown as TrainableModel;
    assert.throws(() => setGradientCheckpointing(model, true), {
      message:
        'Cannot train with gradientCheckpointing as the transformer must have enableGradientCheckpointing(): current value is OwnModel, which has none',
    });
    setGradientCheckpointing(model, false);
  });
});

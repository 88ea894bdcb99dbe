import assert from 'node:assert/strict';
import {
  advantageEstimators,
  DiffusionModelBase,
  losses,
  QwenImage,
  QwenImagePipelineWithLogProb,
  rewardRegistry,
  transitions,
  VllmOmniPipelineBase,
  type Registry,
} from '@flowbook/sdk';

const registries: Registry<unknown>[] = [
  transitions,
  losses,
  rewardRegistry,
  advantageEstimators,
] as Registry<unknown>[];

for (const registry of registries) {
  describe(`registry contract: ${registry.kind}`, () => {
    it('get() lists what is registered on a miss, and find() returns null', () => {
      assert.throws(() => registry.get('nothing of this name'), {
        message: `Cannot find ${registry.kind} "nothing of this name": registered are ${registry.names().join(', ')}`,
      });
      assert.equal(registry.find('nothing of this name'), null);
    });

    it('register() refuses a name that is taken, unless told to replace', () => {
      const [name] = registry.names();
      const value = registry.get(name);
      assert.throws(() => registry.register(name, value), {
        message: `Cannot register ${registry.kind} "${name}" as it is already registered: pass {replace: true} to overwrite it`,
      });
      const names = registry.names();
      registry.register(name, value, { replace: true });
      assert.deepEqual(registry.names(), names);
    });

    it('unregister() takes a name out', () => {
      registry.register('for a moment', registry.get(registry.names()[0]));
      assert.ok(registry.names().includes('for a moment'));
      assert.equal(registry.unregister('for a moment'), true);
      assert.equal(registry.find('for a moment'), null);
    });
  });
}

const classRegistries = {
  'training adapter': { base: DiffusionModelBase, value: QwenImage },
  'rollout pipeline': { base: VllmOmniPipelineBase, value: QwenImagePipelineWithLogProb },
};

for (const [kind, { base, value }] of Object.entries(classRegistries)) {
  describe(`registry contract: ${kind}`, () => {
    it('registered() lists architecture/algorithm, the built-in ones first', () => {
      assert.equal(base.registered()[0], 'QwenImagePipeline/flow_grpo');
    });

    it('register() refuses a pair that is taken, unless told to replace', () => {
      const pair = ['QwenImagePipeline', 'flow_grpo'] as const;
      // A rollout pipeline keeps where it can be imported from.
      const path = `@flowbook/sdk#${value.name}`;
      const options = { algorithm: pair[1], ...(base === VllmOmniPipelineBase && { path }) };
      const register = (replace: boolean) =>
        (base.register(pair[0], { ...options, replace }) as (target: unknown) => void)(value);
      assert.throws(() => register(false), {
        message: `Cannot register ${kind} "QwenImagePipeline/flow_grpo" as it is already registered: pass {replace: true} to overwrite it`,
      });
      const names = base.registered();
      register(true);
      assert.deepEqual(base.registered(), names);
    });
  });
}

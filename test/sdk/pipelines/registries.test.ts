import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import {
  DiffusionModelBase,
  FlowGRPOModel,
  QwenImage,
  Registry,
  VllmOmniPipelineBase,
  buildScheduler,
  prepareModelInputs,
  tf,
  type ModelMixin,
} from '@flowbook/sdk';

/** Takes out again what the tests of a `describe` block register: contracts are held against all that is registered. */
function registeredForThese(): void {
  const { register } = Registry.prototype;
  const undo: (() => void)[] = [];
  before(() => {
    Registry.prototype.register = function (name, ...rest) {
      register.call(this, name, ...rest);
      undo.push(() => this.unregister(name));
    };
  });
  after(() => {
    Registry.prototype.register = register;
    for (const takeOut of undo) takeOut();
  });
}

describe('DiffusionModelBase', () => {
  registeredForThese();

  it('register() works as a standard decorator, also with static fields', () => {
    const register = DiffusionModelBase.register('StandardPipeline', { algorithm: 'flow_grpo' });
    const initializers: ((this: unknown) => void)[] = [];
    class Adapter extends QwenImage {}
    const context = {
      kind: 'class',
      name: 'Adapter',
      addInitializer: (run: (this: unknown) => void) => initializers.push(run),
    } as unknown as ClassDecoratorContext;
    assert.equal(register(Adapter, context), Adapter);
    initializers.forEach((run) => run.call(Adapter));
    assert.equal(
      DiffusionModelBase.getClass({ architecture: 'StandardPipeline', algorithm: 'flow_grpo' }),
      Adapter,
    );
  });

  it('register() works as @decorator', () => {
    @DiffusionModelBase.register('DecoratedPipeline', { algorithm: 'flow_grpo' })
    class Adapter extends QwenImage {}
    const modelConfig = { architecture: 'DecoratedPipeline', algorithm: 'flow_grpo' };
    assert.equal(DiffusionModelBase.getClass(modelConfig), Adapter);
  });

  it('register() called plainly returns the class and serves the helpers', () => {
    class Adapter extends FlowGRPOModel {
      static override setTimesteps() {}
      static override prepareModelInputs(): [Record<string, unknown>, Record<string, unknown>] {
        return [{ from: 'Adapter' }, {}];
      }
    }
    const register = DiffusionModelBase.register('PlainPipeline', { algorithm: 'own' });
    assert.equal(register(Adapter), Adapter);
    const x = tf.zeros([1]);
    const [inputs] = prepareModelInputs(
      {} as ModelMixin,
      { architecture: 'PlainPipeline', algorithm: 'own' },
      x,
      x,
      x,
      null,
      null,
      null,
      {},
      0,
    );
    assert.deepEqual(inputs, { from: 'Adapter' });
    x.dispose();
  });

  it('register() refuses a class without a required static method, by its name', () => {
    class Incomplete extends DiffusionModelBase {
      static override buildScheduler(): never {
        throw new Error('never called');
      }
    }
    assert.throws(() => DiffusionModelBase.register('X', { algorithm: 'y' })(Incomplete), {
      message:
        'Cannot register Incomplete for X/y as a training adapter must implement the static method setTimesteps',
    });
  });

  it('register() refuses a pair that is taken, unless told to replace', () => {
    class Adapter extends QwenImage {}
    const pair = ['TakenPipeline', { algorithm: 'flow_grpo' }] as const;
    DiffusionModelBase.register(...pair)(Adapter);
    assert.throws(() => DiffusionModelBase.register(...pair)(Adapter), /already registered/);
    DiffusionModelBase.register('TakenPipeline', { algorithm: 'flow_grpo', replace: true })(
      Adapter,
    );
  });

  it('getClass() lists what is registered on a miss', () => {
    assert.throws(
      () => buildScheduler({ architecture: 'NoPipeline', algorithm: 'flow_grpo' }),
      /^Error: Cannot find training adapter "NoPipeline\/flow_grpo": registered are QwenImagePipeline\/flow_grpo/,
    );
  });
});

describe('VllmOmniPipelineBase', () => {
  registeredForThese();

  it('getClass() and getPipelinePath() return null on a miss', () => {
    assert.equal(VllmOmniPipelineBase.getClass('NoPipeline', 'flow_grpo'), null);
    assert.equal(VllmOmniPipelineBase.getPipelinePath('NoPipeline', 'flow_grpo'), null);
  });

  it('getPipelinePath() names a module and the class that it exports', () => {
    const path = VllmOmniPipelineBase.getPipelinePath('QwenImagePipeline', 'flow_grpo') as string;
    const [module, name] = path.split('#');
    const found = createRequire(__filename)(module) as Record<string, unknown>;
    assert.equal(found[name], VllmOmniPipelineBase.getClass('QwenImagePipeline', 'flow_grpo'));
  });

  it('getPipelinePath() returns null for a class that nothing else can import', () => {
    class CellPipeline {}
    VllmOmniPipelineBase.register('CellPipeline', { algorithm: 'flow_grpo' })(CellPipeline);
    assert.equal(VllmOmniPipelineBase.getClass('CellPipeline', 'flow_grpo'), CellPipeline);
    assert.equal(VllmOmniPipelineBase.getPipelinePath('CellPipeline', 'flow_grpo'), null);
  });

  it('register() refuses a path that is not module#ExportName', () => {
    assert.throws(() => VllmOmniPipelineBase.register('X', { algorithm: 'y', path: 'here' }), {
      message:
        'Cannot register a rollout pipeline for X/y as its path must be module#ExportName: current value is "here"',
    });
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as sdk from '@flowbook/sdk';
import { parameterNames } from './parameters';

interface Method {
  name: string;
  static?: boolean;
  required: string[];
  requiredOptions?: string[];
  options?: Record<string, unknown>;
  customOutput?: string[];
}

interface Table {
  classes: {
    name: string;
    abstract?: string[];
    constructor: { required?: string[]; options?: Record<string, unknown> };
    registered?: [string, string];
    methods: Method[];
  }[];
  functions: { name: string; required: string[] }[];
}

const table = JSON.parse(readFileSync(join(__dirname, 'interface.json'), 'utf8')) as Table;
const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');
const exported = sdk as unknown as Record<string, Record<string, unknown>>;
const { tf } = sdk;

function methodOf(className: string, { name, static: isStatic }: Method): unknown {
  const owner = exported[className];
  return isStatic ? owner[name] : (owner.prototype as Record<string, unknown>)[name];
}

const camel = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

describe('the published interface', () => {
  for (const { name, required } of table.functions) {
    it(`${name}() takes ${required.join(', ')}`, () => {
      assert.deepEqual(parameterNames(exported[name]).required, required);
    });
  }

  for (const { name, methods } of table.classes) {
    for (const method of methods) {
      it(`${name}.${method.name}() takes ${method.required.join(', ')}`, () => {
        const found = parameterNames(methodOf(name, method));
        assert.deepEqual(found.required, method.required);
        if (method.options ?? method.requiredOptions) assert.ok(found.takesOptions);
        for (const option of method.requiredOptions ?? []) {
          assert.ok(found.requiredOptions.includes(option), option);
        }
      });
    }
  }

  for (const { name, registered } of table.classes.filter((one) => one.registered)) {
    it(`${name} is registered for ${registered?.join(', ')}`, () => {
      const [architecture, algorithm] = registered as [string, string];
      const found = [
        sdk.DiffusionModelBase.getClass({ architecture, algorithm }),
        sdk.VllmOmniPipelineBase.getClass(architecture, algorithm),
      ];
      assert.ok(found.includes(exported[name] as never));
    });
  }

  it('DiffusionModelBase leaves its abstract methods to the adapters, by name', () => {
    const [{ abstract = [] }] = table.classes;
    for (const method of abstract) {
      assert.throws(
        () => (sdk.DiffusionModelBase as unknown as Record<string, () => void>)[method](),
        {
          message: `Cannot use DiffusionModelBase as a training adapter must implement the static method ${method}`,
        },
      );
    }
  });
});

describe('the published defaults', () => {
  const scheduler = table.classes.find(({ name }) => name === 'FlowMatchSDEDiscreteScheduler');

  it('new FlowMatchSDEDiscreteScheduler() has every option at its default', () => {
    const { config } = new sdk.FlowMatchSDEDiscreteScheduler();
    const actual = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [camel(key), value]),
    );
    assert.deepEqual(actual, scheduler?.constructor.options);
  });

  it('new FlowMatchSDEDiscreteSchedulerOutput() takes its four fields in order', () => {
    const output = table.classes.find(({ name }) => name === 'FlowMatchSDEDiscreteSchedulerOutput');
    const { required } = parameterNames(sdk.FlowMatchSDEDiscreteSchedulerOutput);
    assert.deepEqual(required, output?.constructor.required);
  });

  for (const { name, methods } of table.classes.filter(({ registered }) => registered)) {
    for (const { options, customOutput = [] } of methods.filter((method) => method.options)) {
      it(`${name}.forward() has every option at its default`, () => {
        assert.deepEqual({ ...sdk.FORWARD_DEFAULTS }, options);
      });

      it(`${name}.forward() gives ${customOutput.join(', ')}`, async () => {
        const pipeline = await sdk.loadPipeline<sdk.QwenImagePipelineWithLogProb>(MODEL, {
          algorithm: name.includes('MixGRPO') ? 'mix_grpo' : 'flow_grpo',
          height: 32,
          width: 32,
        });
        try {
          assert.equal(pipeline.constructor, exported[name]);
          const request = { prompts: [{ prompt: 'a red fox', negative_prompt: 'grey' }] };
          const made = await pipeline.forward(request, {
            numInferenceSteps: 3,
            outputType: 'latent',
          });
          const tensors = made.customOutput as unknown as Record<string, unknown>;
          for (const key of customOutput) assert.ok(tensors[key] instanceof tf.Tensor, key);
          tf.dispose([tensors as sdk.tf.TensorContainerObject, made.output as sdk.tf.Tensor]);
        } finally {
          pipeline.dispose();
        }
      });
    }
  }

  for (const name of ['samplePreviousStep', 'step']) {
    it(`FlowMatchSDEDiscreteScheduler.${name}() without options equals its defaults given`, () => {
      const method = scheduler?.methods.find((one) => one.name === name) as Method;
      const defaults = { ...method.options, ...(name === 'step' && { sTmax: Infinity }) };
      const run = (options: object) => {
        const { FlowMatchSDEDiscreteScheduler } = sdk;
        const walker = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
        walker.setTimesteps(4);
        walker.setBeginIndex(1);
        const x = sdk.randomNormal(sdk.RandomKey.fromSeed(1), [2, 3, 4]);
        const v = sdk.randomNormal(sdk.RandomKey.fromSeed(2), [2, 3, 4]);
        sdk.seedDefaultGenerator(3);
        const result =
          name === 'step'
            ? Object.values(walker.step(v, walker.timestepValues[1], x, options))
            : walker.samplePreviousStep(x, v, options);
        const values = (result as (sdk.tf.Tensor | null)[]).map((one) =>
          one === null ? null : Array.from(one.dataSync()),
        );
        tf.dispose([x, v, ...(result as sdk.tf.Tensor[])]);
        return values;
      };
      assert.deepEqual(run({}), run(defaults));
      assert.equal(run({}).length, 4);
    });
  }
});

describe('the published options', () => {
  const scheduler = table.classes.find(({ name }) => name === 'FlowMatchSDEDiscreteScheduler');

  it('of new FlowMatchSDEDiscreteScheduler() are taken by their names', () => {
    const other = {
      numTrainTimesteps: 500,
      shift: 3,
      useDynamicShifting: true,
      baseShift: 0.6,
      maxShift: 1,
      baseImageSeqLen: 128,
      maxImageSeqLen: 8192,
      invertSigmas: true,
      shiftTerminal: 0.02,
      useKarrasSigmas: true,
      useExponentialSigmas: true,
      useBetaSigmas: true,
      timeShiftType: 'linear',
      stochasticSampling: true,
    } as const satisfies sdk.FlowMatchSchedulerOptions;
    const names = Object.keys(scheduler?.constructor.options ?? {});
    assert.deepEqual(Object.keys(other).sort(), names.sort());
    for (const [name, value] of Object.entries(other)) {
      const { config } = new sdk.FlowMatchSDEDiscreteScheduler({ [name]: value });
      const changed = Object.entries(config).find(([key]) => camel(key) === name);
      assert.equal(changed?.[1], value, name);
    }
  });

  /** A walk's second step, and options of it that differ from their defaults. */
  function scene() {
    const walker = new sdk.FlowMatchSDEDiscreteScheduler({ shift: 3 });
    walker.setTimesteps(4);
    walker.setBeginIndex(1);
    const [x, v] = [1, 2].map((seed) => sdk.randomNormal(sdk.RandomKey.fromSeed(seed), [2, 3, 4]));
    const shared = {
      generator: sdk.keyGenerator(9),
      perTokenTimesteps: x,
      noiseLevel: 0.3,
      prevSample: x,
      sdeType: 'cps',
      returnLogprobs: false,
      includeLogprobNormalizer: false,
    };
    return {
      samplePreviousStep: {
        run: (options: object) => walker.samplePreviousStep(x, v, options),
        other: {
          ...shared,
          timestep: walker.timestepValues[2],
          returnSqrtDt: true,
        } satisfies sdk.SamplePreviousStepOptions,
      },
      step: {
        run: (options: object) => walker.step(v, walker.timestepValues[1], x, options),
        other: {
          ...shared,
          returnDict: false,
          sChurn: 1,
          sTmin: 0.5,
          sTmax: 1,
          sNoise: 2,
        } satisfies sdk.StepOptions,
      },
    };
  }

  /** What a call returns, in numbers, or what it throws. */
  function outcome(name: 'samplePreviousStep' | 'step', options: object): unknown {
    sdk.seedDefaultGenerator(3);
    try {
      return Object.entries(scene()[name].run(options)).map(([key, one]) => [
        key,
        one === null ? null : [...(one as sdk.tf.Tensor).dataSync()],
      ]);
    } catch (error) {
      return (error as Error).message;
    }
  }

  for (const name of ['samplePreviousStep', 'step'] as const) {
    const options = scheduler?.methods.find((one) => one.name === name)?.options ?? {};
    for (const option of Object.keys(options)) {
      const isIdle = /^s[A-Z]/.test(option) && option !== 'sdeType';
      it(`of ${name}(): ${option} ${isIdle ? 'is accepted, without effect' : 'is read under this name'}`, () => {
        tf.tidy(() => {
          const { other } = scene()[name];
          assert.deepEqual(Object.keys(other).sort(), Object.keys(options).sort());
          const value = (other as Record<string, unknown>)[option];
          const changed = outcome(name, { [option]: value });
          const plain = outcome(name, {});
          assert.equal(typeof plain, 'object', String(plain));
          if (isIdle) assert.deepEqual(changed, plain);
          else assert.notDeepEqual(changed, plain);
        });
      });
    }
  }
});

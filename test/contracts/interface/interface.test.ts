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
        const { required, takesOptions } = parameterNames(methodOf(name, method));
        assert.deepEqual(required, method.required);
        if (method.options ?? method.requiredOptions) assert.ok(takesOptions);
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
  const pipeline = table.classes.find(({ name }) => name === 'QwenImagePipelineWithLogProb');

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

  it('QwenImagePipelineWithLogProb.forward() has every option at its default', () => {
    const forward = pipeline?.methods.find(({ name }) => name === 'forward');
    assert.deepEqual({ ...sdk.FORWARD_DEFAULTS }, forward?.options);
  });

  for (const name of ['samplePreviousStep', 'step']) {
    it(`FlowMatchSDEDiscreteScheduler.${name}() without options equals its defaults given`, () => {
      const method = scheduler?.methods.find((one) => one.name === name) as Method;
      const defaults = { ...method.options, sTmax: Infinity };
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
      assert.notDeepEqual(run({ noiseLevel: 0.3 }), run({}));
      assert.notDeepEqual(run({ sdeType: 'cps' }), run({}));
      assert.notDeepEqual(run({ includeLogprobNormalizer: false }), run({}));
      assert.equal(run({ returnLogprobs: false })[1], null);
    });
  }
});

import { QwenImagePipelineWithLogProb } from '@flowbook/sdk';

/** What examples may use besides exports. Each is made anew for an example that mentions it. */
export interface Fixtures {
  /** The tiny checkpoint of the shapes world, at 64 x 64 pixels. */
  pipeline: QwenImagePipelineWithLogProb;
}

/** How each is made. */
export const makeFixture: { [Name in keyof Fixtures]: () => Fixtures[Name] } = {
  pipeline: () =>
    QwenImagePipelineWithLogProb.fromPretrained({
      path: 'datasets/tiny-qwen-image',
      height: 64,
      width: 64,
    }),
};

/** Examples whose types alone are checked there, by file, with the reason. */
export const notRun: Readonly<Record<string, string>> = {
  'kernel-extensions/src/script/run-script.ts':
    'it reads the arguments of its process and ends it; run-script.test.ts runs it in one of its own',
  'docs/displays.md': 'test/docs/displays.slow.test.ts runs them, and compares what they draw',
};

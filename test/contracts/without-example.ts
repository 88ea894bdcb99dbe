import type { Exceptions } from './every';

const BASE = 'a base class: those that extend it show how it is used';
const MAKER = 'a function of the same file makes it, and has the example';
const INSIDE = 'a step of a trainer, which takes what only a trainer has';
const OUTSIDE = 'it needs a cluster, a hub or a job of its own';

/**
 * What has no example, and why. It may only shrink: something new comes with an example, and one that has got its example is taken
 * out, as the contract says.
 */
export const WITHOUT_EXAMPLE: Exceptions = {
  'sdk/FlowGRPOModel': BASE,
  'sdk/ForwardProcessModel': BASE,
  'sdk/FrozenComponent': BASE,
  'sdk/PretrainedTokenizer': BASE,
  'sdk/RolloutTrainer': BASE,
  'sdk/ServerRollouts': BASE,
  'sdk/FlowMatchEulerDiscreteSchedulerOutput': 'a result: the example of step() has it',
  'sdk/FlowMatchSDEDiscreteSchedulerOutput': 'a result: the example of step() has it',
  'sdk/runFlowGRPO': 'runTraining() for one trainer',
  'sdk/nativeBackend': 'for what tfjs has no operation for',
  'sdk/multipliesBfloat16': 'for choosing how products are computed',
  'sdk/qwenRotaryFactors': 'a part of the transformer',
  'sdk/ModelWeights': 'a part of the transformer',
  'sdk/assemblePromptEmbeddings': 'a part of the prompt encoder',
  'sdk/offMainThread': INSIDE,
  'sdk/concatRollouts': INSIDE,
  'sdk/rollOutPart': INSIDE,
  'sdk/disposePart': INSIDE,
  'sdk/evaluatePolicy': INSIDE,
  'sdk/logLine': INSIDE,
  'sdk/offlineDPOOptions': 'it needs pairs of pictures',
  'sdk/pretrain': 'it trains for minutes: datasets/shapes/pretrain calls it',
  'sdk/downloadModel': OUTSIDE,
  'kernel-extensions/LiveDisplay': MAKER,
  'kernel-extensions/TrainingDisplay': MAKER,
  'kernel-extensions/ProgressBar': MAKER,
  'kernel-extensions/Sliders': MAKER,
  'kernel-extensions/settleDisplays': 'the kernel and scripts call it, at the end of each cell',
  'kernel-extensions/LocalLauncher': OUTSIDE,
  'kernel-extensions/RayLauncher': OUTSIDE,
  'kernel-extensions/SlurmLauncher': OUTSIDE,
  'kernel-extensions/runJob': OUTSIDE,
};

import {
  advantages,
  attentionMaps,
  comparePictures,
  curves,
  type Drawing,
  filmstrip,
  images,
  kl,
  latents,
  memory,
  metrics,
  modelTree,
  noiseComparison,
  pictureTimeline,
  progress,
  ratios,
  rewardCurve,
  sigmas,
  tensor,
  training,
  type TensorLike,
  type TimelinePicture,
} from '@flowbook/kernel-extensions';
import { transitions } from '@flowbook/sdk';

/** A tensor-like of the given numbers. */
export function tensorOf(shape: number[], data: ArrayLike<number>, dtype = 'float32'): TensorLike {
  return { shape, dtype, dataSync: () => data };
}

/** Normal numbers, the same in each run. */
export function normals(count: number, seed = 1): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

/** A one-coloured picture with a square in it. */
export function pictureOf(width: number, height: number, red = 214) {
  const data = new Uint8Array(width * height * 3).fill(230);
  for (let y = 0; y < height / 2; y++) {
    for (let x = 0; x < width / 2; x++) data.set([red, 40, 40], (y * width + x) * 3);
  }
  return { width, height, channels: 3 as const, data };
}

/** A schedule of ten steps with shift 3. */
export const schedule = (() => {
  const levels = Array.from({ length: 11 }, (_, i) => (3 * (1 - i / 10)) / (1 + 2 * (1 - i / 10)));
  return {
    sigmaValues: Float32Array.from(levels),
    timestepValues: Float32Array.from(levels.slice(0, 10), (sigma) => sigma * 1000),
  };
})();

/** A trajectory of two samples, three states, sixteen packed tokens. */
export const trajectory = {
  all_latents: tensorOf([2, 3, 16, 16], normals(2 * 3 * 16 * 16)),
  all_timesteps: tensorOf([2, 2], [964, 923, 964, 923]),
  all_log_probs: tensorOf([2, 2], [-0.5, -0.6, -0.4, -0.7]),
};

/** A log with a spread, a held-out reward every tenth step, and two faults. */
export function logOf(steps: number) {
  const noise = normals(steps, 3);
  return Array.from({ length: steps }, (_, step) => ({
    step,
    seconds: step * 2.9,
    reward: step === 41 ? NaN : 0.9 - 0.3 * Math.exp(-step / 25) + 0.02 * noise[step],
    rewardStd: step === 22 ? 0 : 0.2,
    loss: 0.01 * noise[step],
    ...(step % 10 === 0 && { heldOut: 0.85 - 0.3 * Math.exp(-step / 25) }),
  }));
}

/** An alarm of a run. */
export const alarmAt = (step: number, symptom = 'most samples are clipped') => ({
  step,
  symptom,
  cause: 'the learning rate is too high',
  action: 'lower it',
});

/** Pictures of fixed prompts over a run. */
export function timelineOf(steps: number, prompts: number, size = 16): TimelinePicture[] {
  return Array.from({ length: steps * prompts }, (_, at) => {
    const [step, place] = [10 * Math.floor(at / prompts), at % prompts];
    const image = pictureOf(size, size, 20 * at);
    return { step, place, prompt: `prompt ${hostile} ${place}`, image, verdict: at % 2 === 0 };
  });
}

/** Pictures of noise, each a part of the same stream that begins one number further on. */
function noisyPictures(count: number) {
  const size = 64 * 64 * 3;
  const stream = Uint8Array.from(normals(size + count), (x) => 128 + 40 * x);
  return Array.from({ length: count }, (_, at) => ({
    width: 64,
    height: 64,
    channels: 3 as const,
    data: stream.subarray(at, at + size),
  }));
}

/** Attention of two heads from a 4 x 4 picture and six tokens to all of them; each row sums to 1. */
export function attentionOf(heads = 2, grid = 16, tokens = 6) {
  const length = grid + tokens;
  const data = normals(heads * length * length).map((x) => Math.exp(x));
  for (let row = 0; row < heads * length; row++) {
    const sum = data.slice(row * length, (row + 1) * length).reduce((a, b) => a + b, 0);
    for (let key = 0; key < length; key++) data[row * length + key] /= sum;
  }
  return tensorOf([1, heads, length, length], data);
}

/** Parameters of a small model, or their gradients. */
export function parametersOf(blocks: number, prefix = 'transformer_blocks', seed = 1) {
  const weight = (rows: number, columns: number) =>
    tensorOf([rows, columns], normals(rows * columns, seed));
  return new Map([
    ['img_in.weight', weight(16, 8)],
    ...Array.from({ length: blocks }, (_, block) =>
      ['attn.to_q', 'attn.to_out.0', 'mlp.net.0.proj'].map(
        (name) => [`${prefix}.${block}.${name}.weight`, weight(8, 8)] as const,
      ),
    ).flat(),
    ['proj_out.weight', weight(8, 16)],
  ]);
}

/** Noise that turns into a picture. */
export function frameSeries(count: number, size = 16) {
  return Array.from({ length: count }, (_, at) => {
    const noise = normals(size * size * 3, at + 1);
    const share = count > 1 ? at / (count - 1) : 1;
    const data = pictureOf(size, size).data.map(
      (value, i) => share * value + (1 - share) * Math.max(0, 128 + 40 * noise[i]),
    );
    return { width: size, height: size, channels: 3 as const, data };
  });
}

export const hostile = '<script>alert(1)</script>';

/** Every display factory with data that shows all its parts; the contract suite runs over these. */
export const samples: Record<string, () => Drawing> = {
  sigmas: () => sigmas(schedule, { window: [1, 3], title: `Schedule ${hostile}` }),
  latents: () => latents(trajectory, { title: `Latents ${hostile}` }),
  images: () =>
    images([pictureOf(16, 16), pictureOf(16, 16, 20), pictureOf(24, 12)], {
      captions: [hostile, 'a square left of a circle', ''],
      verdicts: [true, false, 0.5],
    }),
  rewardCurve: () =>
    rewardCurve(logOf(60), { alarms: [{ step: 30, message: `clipped ${hostile}` }] }),
  training: () =>
    training(
      { log: logOf(60), alarms: [alarmAt(12), alarmAt(30, hostile)], steps: 100 },
      { title: `Training ${hostile}` },
    ),
  curves: () =>
    curves(
      { FlowGRPO: logOf(60), [hostile]: logOf(40) },
      { field: 'loss', smoothing: 4, mark: 0, title: `Loss ${hostile}` },
    ),
  filmstrip: () =>
    filmstrip(frameSeries(11), {
      labels: Array.from(schedule.sigmaValues, (sigma) => `sigma ${sigma.toFixed(2)}`),
      captions: Array.from(
        { length: 11 },
        (_, at) => `guess ${at} of ${hostile} and a long remark that is broken`,
      ),
      title: `Filmstrip ${hostile}`,
    }),
  'filmstrip of latents': () => filmstrip(trajectory, { title: `Latents ${hostile}` }),
  comparePictures: () =>
    comparePictures(
      {
        before: { pictures: [pictureOf(16, 16), pictureOf(16, 16, 20)], verdicts: [false, false] },
        [hostile]: {
          pictures: [pictureOf(16, 16, 90), pictureOf(16, 16, 220)],
          verdicts: [true, 0.5],
        },
      },
      { prompts: [hostile, 'a square left of a circle'], title: `Runs ${hostile}` },
    ),
  kl: () =>
    kl(
      logOf(60).map(({ step, loss }) => ({ step, approxKl: loss, 'actor/kl_loss': loss ** 2 })),
      { limit: 0.02, smoothing: 3, title: `KL ${hostile}` },
    ),
  noiseComparison: () =>
    noiseComparison(
      schedule,
      Object.fromEntries(['sde', 'cps', 'dance_sde'].map((name) => [name, transitions.get(name)])),
      { title: `Noise ${hostile}` },
    ),
  'attentionMaps over the picture': () =>
    attentionMaps(attentionOf(), {
      grid: [4, 4],
      tokens: ['a', 'red', hostile, 'circle'],
      title: `Attention ${hostile}`,
    }),
  'attentionMaps, heads': () => attentionMaps(attentionOf(), { title: `Attention ${hostile}` }),
  modelTree: () =>
    modelTree(parametersOf(2, hostile), {
      gradients: parametersOf(2, hostile, 7),
      title: `Model ${hostile}`,
    }),
  memory: () =>
    memory(
      Array.from({ length: 20 }, (_, at) => ({
        at,
        processBytes: 3e8 + 2e7 * at,
        tensorBytes: 1e7 * (1 + (at % 3)),
        tensors: 400 + at,
      })),
      { limitBytes: 7e8, title: `Memory ${hostile}` },
    ),
  progress: () => progress({ done: 12, total: 40, seconds: 80 }, { title: `Loop ${hostile}` }),
  pictureTimeline: () => pictureTimeline(timelineOf(4, 3), { title: `Pictures ${hostile}` }),
  advantages: () => advantages(normals(192), { clip: 5, title: `Advantages ${hostile}` }),
  ratios: () =>
    ratios(
      normals(192).map((x) => Math.exp(1e-4 * x)),
      { clipRange: 1e-4, title: `Ratios ${hostile}` },
    ),
  metrics: () => metrics([...logOf(60), { step: 60, [hostile]: 1 }]),
  'tensor, large': () => tensor(tensorOf([64, 64], normals(4096)), { name: `weight ${hostile}` }),
  'tensor, small': () => tensor(tensorOf([3, 4], normals(12)), { name: `weight ${hostile}` }),
};

/** The same factories with the most data, or none. */
export const extremes: Record<string, () => Drawing> = {
  'sigmas of 1,000 steps': () =>
    sigmas({
      sigmaValues: Float32Array.from({ length: 1001 }, (_, i) => 1 - i / 1000),
      timestepValues: Float32Array.from({ length: 1000 }, (_, i) => 1000 - i),
    }),
  'latents of 51 states of 16 channels of 32 x 32': () =>
    latents({ all_latents: tensorOf([1, 51, 256, 64], normals(51 * 256 * 64)) }),
  'latents of planes of 16 channels of 160 x 96': () =>
    latents({ all_latents: tensorOf([1, 3, 16, 1, 160, 96], normals(3 * 16 * 160 * 96)) }),
  'images, 12 noisy ones of 320 x 320': () =>
    images(
      Array.from({ length: 12 }, (_, i) => ({
        width: 320,
        height: 320,
        channels: 3 as const,
        data: Uint8Array.from(normals(320 * 320 * 3, i + 1), (x) => 128 + 40 * x),
      })),
    ),
  'rewardCurve of 5,000 steps': () => rewardCurve(logOf(5000)),
  'rewardCurve of no steps': () => rewardCurve([]),
  'rewardCurve of one step': () => rewardCurve([{ step: 7, reward: 0.5 }]),
  'rewardCurve of NaN': () =>
    rewardCurve([
      { step: 0, reward: NaN },
      { step: 1, reward: NaN },
    ]),
  'training of 5,000 steps with 500 alarms': () =>
    training({
      log: logOf(5000),
      alarms: Array.from({ length: 500 }, (_, at) => alarmAt(10 * at)),
      steps: 5000,
    }),
  'training of no steps': () => training({ log: [], steps: 40 }),
  'training of one step': () => training({ log: [{ step: 1 }], steps: 1 }),
  'pictureTimeline of one step': () => pictureTimeline(timelineOf(1, 1)),
  'pictureTimeline of 100 steps of noise': () => {
    const noise = noisyPictures(800);
    return pictureTimeline(
      timelineOf(100, 8).map((picture, at) => ({ ...picture, image: noise[at] })),
    );
  },
  'filmstrip of 300 noisy frames': () => filmstrip(noisyPictures(300)),
  'filmstrip of one frame': () => filmstrip(frameSeries(1)),
  'filmstrip of high frames': () =>
    filmstrip(Array.from({ length: 20 }, (_, at) => pictureOf(8, 64, 10 * at))),
  'comparePictures of 100 prompts and three runs': () =>
    comparePictures(
      Object.fromEntries(
        ['a', 'b', 'c'].map((name) => [
          name,
          { pictures: Array.from({ length: 100 }, (_, at) => pictureOf(64, 64, 2 * at)) },
        ]),
      ),
      { prompts: Array.from({ length: 100 }, (_, at) => `prompt ${at}`) },
    ),
  'kl of 5,000 steps': () => kl(logOf(5000).map(({ step, loss }) => ({ step, approxKl: loss }))),
  'kl of one step': () => kl([{ step: 1, approxKl: 1e-6 }]),
  'noiseComparison of 1,000 steps': () =>
    noiseComparison(
      {
        sigmaValues: Float32Array.from({ length: 1001 }, (_, i) => 1 - i / 1000),
        timestepValues: Float32Array.from({ length: 1000 }, (_, i) => 1000 - i),
      },
      { sde: transitions.get('sde'), cps: transitions.get('cps') },
    ),
  'noiseComparison without noise': () =>
    noiseComparison(schedule, { sde: transitions.get('sde') }, { noiseLevel: 0 }),
  'attentionMaps of 60 heads': () => attentionMaps(attentionOf(60, 64, 10)),
  'attentionMaps of NaN': () =>
    attentionMaps(tensorOf([1, 1, 4, 4], new Float32Array(16).fill(NaN)), { grid: [2, 2] }),
  'modelTree of 60 blocks': () => modelTree(parametersOf(60)),
  'modelTree of 60 blocks, all levels': () => modelTree(parametersOf(60), { depth: 9 }),
  'modelTree of one number': () => modelTree({ '': tensorOf([], [NaN]) }),
  'memory of 5,000 readings': () =>
    memory(Array.from({ length: 5000 }, (_, at) => ({ at, processBytes: 3e8 + 1e4 * at }))),
  'memory of one reading': () => memory([{ at: 0, processBytes: 3e8 }]),
  'progress at its begin': () => progress({ done: 0, total: 40 }),
  'progress at its end': () => progress({ done: 40, total: 40, seconds: 9 }, { state: 'finished' }),
  'curves of 5,000 steps': () => curves({ a: logOf(5000), b: logOf(3000) }),
  'curves of no steps': () => curves({ a: [], b: [] }),
  'advantages, all zero': () => advantages(new Float32Array(16)),
  'ratios, all one': () => ratios(new Float32Array(16).fill(1), { clipRange: 2e-6 }),
  'metrics of 5,000 steps': () => metrics(logOf(5000)),
  'metrics of one record': () => metrics({ reward: 0.9, loss: 1e-7 }),
  'tensor of a million numbers': () => tensor(tensorOf([1000, 1000], normals(1e6))),
  'tensor without numbers': () => tensor(tensorOf([0, 4], [])),
  'tensor of NaN': () => tensor(tensorOf([300], new Float32Array(300).fill(NaN))),
  'tensor, a scalar': () => tensor(tensorOf([], [0.5])),
};

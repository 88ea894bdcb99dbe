import {
  AutoencoderKLQwenImage,
  Qwen2Tokenizer,
  Qwen2_5_VLTextEncoder,
  QwenImageTransformer2DModel,
  keyGenerator,
  nativeBackend,
  tf,
} from '@flowbook/sdk';
import { join } from 'node:path';
import type { Inputs, Job, Row } from './row';
import { SIZES } from './sizes';

const WORDS = 'a red fox resting on a mossy stone, oil painting, 高 detail, two golden cats'.split(
  ' ',
);
const PROMPTS = Array.from({ length: 100 }, (_, k) =>
  Array.from({ length: 20 }, (_, at) => WORDS[(k * 7 + at * 3) % WORDS.length]).join(' '),
);

/** A function of one tensor and the checkpoint. */
function partJob(
  inputs: Inputs,
  part: { dispose(): void },
  apply: (x: tf.Tensor) => tf.Tensor,
  input: string,
): Job {
  return {
    run: () => ({ output: apply(inputs[input]) }),
    dispose: () => {
      part.dispose();
      tf.dispose(Object.values(inputs));
    },
  };
}

/** The length of all tensors taken together, one operation a tensor. */
function normOf(tensors: tf.Tensor[]): tf.Tensor {
  const native = nativeBackend();
  if (native === null) throw new Error('Cannot time loading without the native library');
  const float = [{ name: 'T', type: 4, value: 1 }];
  return tf.tidy(() => {
    const halves = tensors.map((x) => native.executeSingleOutput('L2Loss', float, [x]));
    return tf.sqrt(tf.mul(tf.addN(halves), 2));
  });
}

const { pictureSide } = SIZES;

export const partRows: Row[] = [
  {
    name: 'vae-decode',
    isModelRow: false,
    inputs: () => ({
      latents: keyGenerator(13).randn([1, 16, 1, pictureSide / 8, pictureSide / 8]),
    }),
    prepare: (folder, inputs) => {
      const vae = AutoencoderKLQwenImage.fromPretrained(join(folder, 'vae'));
      return partJob(inputs, vae, (z) => vae.decode(z), 'latents');
    },
    tolerance: 1e-3,
  },
  {
    name: 'vae-encode',
    isModelRow: false,
    inputs: () => ({ picture: keyGenerator(14).randn([1, 3, 1, pictureSide, pictureSide]) }),
    prepare: (folder, inputs) => {
      const vae = AutoencoderKLQwenImage.fromPretrained(join(folder, 'vae'));
      return partJob(inputs, vae, (x) => tf.tidy(() => vae.encode(x).mean), 'picture');
    },
    tolerance: 1e-3,
  },
  {
    name: 'text-encoder',
    isModelRow: false,
    inputs: () => ({
      ids: tf.tensor2d(
        Array.from({ length: 2 * 98 }, (_, k) => (k * 37) % 900),
        [2, 98],
        'int32',
      ),
    }),
    prepare: (folder, inputs) => {
      const encoder = Qwen2_5_VLTextEncoder.fromPretrained(join(folder, 'text_encoder'));
      const attention_mask = tf.keep(tf.ones([2, 98], 'int32')) as tf.Tensor2D;
      return {
        run: () => ({
          output: encoder.forward({ input_ids: inputs.ids as tf.Tensor2D, attention_mask }),
        }),
        dispose: () => {
          encoder.dispose();
          tf.dispose([attention_mask, ...Object.values(inputs)]);
        },
      };
    },
    tolerance: 1e-3,
  },
  {
    name: 'tokenizer',
    isModelRow: false,
    inputs: () => ({
      prompts: tf.tensor1d([...Buffer.from(PROMPTS.join('\n'))], 'int32'),
    }),
    prepare: (folder, inputs) => {
      const tokenizer = Qwen2Tokenizer.fromPretrained(folder);
      return {
        run: () => {
          const { input_ids } = tokenizer.batch(PROMPTS, {
            padding: 'longest',
            truncation: true,
            maxLength: 1058,
          });
          return { output: tf.tensor2d(input_ids, undefined, 'int32') };
        },
        dispose: () => tf.dispose(Object.values(inputs)),
      };
    },
    tolerance: 0,
  },
  {
    name: 'load',
    isModelRow: false,
    inputs: () => ({}),
    prepare: (folder) => ({
      run: () => {
        const model = QwenImageTransformer2DModel.fromPretrained(join(folder, 'transformer'));
        // PyTorch maps its file and reads it when it is used: both sides look at every weight.
        const output = normOf([...model.parameters.values()]);
        model.dispose();
        return { output };
      },
      dispose: () => {},
    }),
    tolerance: 1e-4,
  },
];

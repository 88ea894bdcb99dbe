import { parseSafetensors } from '../../io/parse-safetensors';
import { tensorFromBytes } from '../../io/tensor-from-bytes';
import { showValue } from '../../core/show-value';

/** A tensor's numbers. */
export interface Floats {
  shape: number[];
  values: Float32Array;
}

/**
 * A tensor as SGLang writes it into an answer: `{"__tensor__": true, "data": a safetensors file in base64 with the tensor "t",
 * "shape", "dtype"}`.
 *
 * @param what What it is, for messages.
 * @throws When it is of another form, or its numbers are not finite.
 */
export function readWireTensor(value: unknown, what: string): Floats {
  const { __tensor__: isTensor, data } = (value ?? {}) as { __tensor__?: unknown; data?: unknown };
  if (isTensor !== true || typeof data !== 'string') {
    throw new Error(
      `Cannot read ${what} as it must be {"__tensor__": true, "data": ...}: current value is ${showValue(value)}`,
    );
  }
  const tensor = parseSafetensors(Buffer.from(data, 'base64'), what).get('t');
  if (tensor === undefined) {
    throw new Error(
      `Cannot read ${what} as its safetensors file must hold a tensor "t": it has none`,
    );
  }
  // A copy: a tensor's memory is its own, and aligned.
  const floats = tensorFromBytes(
    Uint8Array.from(tensor.data),
    tensor.dtype,
    [...tensor.shape],
    what,
  );
  const values = Float32Array.from(floats.dataSync());
  floats.dispose();
  const broken = values.findIndex((one) => !Number.isFinite(one));
  if (broken >= 0) {
    throw new Error(
      `Cannot read ${what} as its numbers must be finite: number ${broken} of ${values.length} is ${values[broken]}`,
    );
  }
  return { shape: [...tensor.shape], values };
}

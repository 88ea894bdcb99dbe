import { nativeBackend, type tf } from '../tensorflow';
import {
  handleOf,
  type RecordingBackend,
  type TensorMetadata,
} from '../tensorflow/compile/binding';
import { isRecording } from '../tensorflow/compile/record';

/** The door that `flowbook setup` builds into the binding. */
interface StepBinding {
  gaussianStep?(
    x: number,
    v: number,
    other: number,
    isDraw: boolean,
    coefficients: Float32Array,
  ): TensorMetadata[];
}

/** A whole step in one pass over memory. */
export type NativeStep = (
  x: tf.Tensor,
  v: tf.Tensor,
  /** The noise of a draw, or what was drawn before. */
  other: tf.Tensor,
  isDraw: boolean,
  coefficients: Float32Array,
) => [mean: tf.Tensor, logProb: tf.Tensor, drawn?: tf.Tensor];

/** How steps are taken natively, or null: without the native library, on a GPU, and while a graph is recorded. */
export function nativeStep(): NativeStep | null {
  const native = nativeBackend();
  if (native === null || native.isUsingGpuDevice || isRecording()) return null;
  const backend = native as unknown as RecordingBackend & { binding: StepBinding };
  const { gaussianStep } = backend.binding;
  if (gaussianStep === undefined) return null;
  const idOf = ({ dataId }: tf.Tensor): number => handleOf(backend, dataId).id;
  return (x, v, other, isDraw, coefficients) =>
    gaussianStep(idOf(x), idOf(v), idOf(other), isDraw, coefficients).map((metadata) =>
      backend.createOutputTensor(metadata),
    ) as ReturnType<NativeStep>;
}

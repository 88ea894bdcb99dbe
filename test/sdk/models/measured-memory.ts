import { tf } from '../../../sdk/src/tensorflow';

/** What a function held while it ran. */
export interface MeasuredMemory<Result> {
  result: Result;
  /** Elements of the largest tensor made. */
  largest: number;
  /** The most bytes that tensors took at one time, above what they took before. */
  peakBytes: number;
}

interface Engine {
  trackTensor(tensor: tf.Tensor, backend: unknown): void;
}

/** Runs `f` and looks at every tensor that it makes. */
export function measureMemory<Result>(f: () => Result): MeasuredMemory<Result> {
  const engine = tf.engine() as unknown as Engine;
  const { trackTensor } = engine;
  const before = tf.memory().numBytes;
  let [largest, peakBytes] = [0, 0];
  engine.trackTensor = function (tensor, backend) {
    trackTensor.call(this, tensor, backend);
    largest = Math.max(largest, tensor.size);
    peakBytes = Math.max(peakBytes, tf.memory().numBytes - before);
  };
  try {
    const result = f();
    return { result, largest, peakBytes };
  } finally {
    engine.trackTensor = trackTensor;
  }
}

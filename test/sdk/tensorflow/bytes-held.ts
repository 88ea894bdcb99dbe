import { nativeBackend, tf, type NativeBackend } from '../../../sdk/src/tensorflow';
import { BFLOAT16, holdsBfloat16 } from '../../../sdk/src/tensorflow/bfloat16-handles';

const TYPE_ATTRIBUTE = 4;
const [FLOAT32, UINT8] = [1, 4];

/** The bytes of a float tensor's values as they lie in TensorFlow's memory, counted there. */
export function bytesHeld(x: tf.Tensor): number {
  const backend = nativeBackend() as NativeBackend;
  const from = holdsBfloat16(backend, x.dataId) ? BFLOAT16 : FLOAT32;
  const attributes = [
    { name: 'T', type: TYPE_ATTRIBUTE, value: from },
    { name: 'type', type: TYPE_ATTRIBUTE, value: UINT8 },
  ];
  // One uint8 a byte, in a last axis of its own.
  return tf.tidy(() => backend.executeSingleOutput('Bitcast', attributes, [x]).size);
}

import { tf } from '@flowbook/sdk';

/** What `work` gives while a gradient is taken, where a frozen graph's operations run by themselves. */
export function oneByOne<Given extends tf.Tensor[]>(work: () => Given): Given {
  let given: Given | undefined;
  tf.grad((x: tf.Tensor) => {
    given = work();
    given.forEach((tensor) => tf.keep(tensor));
    return tf.sum(x);
  })(tf.scalar(1));
  return given as Given;
}

import { drawOrDescribe, jupyterDisplay, type MimeBundle } from '../core/jupyter-display';
import { tf } from './backend';

// Every tensor shows shape, type and statistics as a cell's last value, also in kernels that are not ours.
Object.defineProperty(tf.Tensor.prototype, jupyterDisplay, {
  configurable: true,
  writable: true,
  value: function (this: tf.Tensor): Promise<MimeBundle> {
    return drawOrDescribe(this, () => this.toString(true));
  },
});

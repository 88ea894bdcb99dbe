import { pretrainAutoencoder } from './autoencoder';
import { autoencoder } from './qwen-image';
(async () => {
  await pretrainAutoencoder(
    autoencoder,
    '/tmp/pretrain/qwen-image/vae',
    (p) => console.log(JSON.stringify(p)),
    new AbortController().signal,
  );
})();

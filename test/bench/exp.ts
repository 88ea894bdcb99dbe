import { tf, CompiledModel, compile } from '@flowbook/sdk';
import { Bench, modelInputs } from './rows/transformer';
import { homedir } from 'node:os';
const folder = homedir() + '/.cache/flowbook/bench-1/mid-size-qwen-image';
const which = process.argv[2];
const xla = process.argv[3] === 'xla';
const bench = new Bench(folder, modelInputs(), which.includes('lora'));
const variables = [...bench.model.trainableVariables().values()];
const inputs = bench.inputs;
const raw = (latents: tf.Tensor, timestep: tf.Tensor) => bench.model.forward({ hidden_states: latents, timestep, encoder_hidden_states: inputs.embeds, encoder_hidden_states_mask: null, img_shapes: [[[1,16,16]],[[1,16,16]]], return_dict: false } as any)[0];
const jobs: Record<string, () => void> = {
  forward: () => { const y = bench.predict(inputs.latents, inputs.timestep); y.dataSync(); y.dispose(); },
  fb: () => { const r = tf.variableGrads(() => tf.mean(tf.square(bench.predict(inputs.latents, inputs.timestep))) as tf.Scalar, variables); r.value.dataSync(); Object.values(r.grads)[0]?.dataSync(); tf.dispose(r as any); },
};
const whole = compile((latents: tf.Tensor, timestep: tf.Tensor) => { const r = tf.variableGrads(() => tf.mean(tf.square(raw(latents, timestep))) as tf.Scalar, variables); return { v: r.value, g: Object.values(r.grads).filter((g) => g !== null) }; }, { xla });
const wf = compile(raw, { xla });
jobs.whole = () => { const r = whole(inputs.latents, inputs.timestep); r.v.dataSync(); tf.dispose(r as any); };
jobs.wf = () => { const r = wf(inputs.latents, inputs.timestep); r.dataSync(); tf.dispose(r as any); };
const job = jobs[which.replace('-lora','')];
let t0 = performance.now(); job(); console.log('first', (performance.now() - t0).toFixed(0));
const ts: number[] = [];
for (let k = 0; k < +(process.env.N ?? 9); k++) { const t = performance.now(); job(); ts.push(performance.now() - t); }
ts.sort((a, b) => a - b);
console.log(which, xla ? 'xla' : 'tf', 'best', ts[0].toFixed(0), 'median', ts[ts.length >> 1].toFixed(0), 'rss', (process.memoryUsage().rss / 1e6).toFixed(0));

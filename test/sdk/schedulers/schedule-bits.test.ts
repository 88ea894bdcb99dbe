import assert from 'node:assert/strict';
import { join } from 'node:path';
import { FlowMatchSDEDiscreteScheduler } from '../../../sdk/src/schedulers';
import { tf } from '../../../sdk/src/tensorflow';
import { findCases } from '../../golden/golden-case';

const cases = findCases(join(__dirname, '../../golden')).filter(
  ({ family, json }) => family === 'scheduler_timesteps' && json.init !== undefined,
);

// A timestep is looked up by equality, so that one which another program has laid out must be the same to the last bit.
describe('setTimesteps()', () => {
  for (const { name, json, tensor } of cases) {
    it(`lays out the levels and timesteps of diffusers bit by bit: ${name}`, () => {
      tf.tidy(() => {
        // As lists: one step of a stretched schedule is NaN, whose bits are no processor's to keep.
        const numbersOf = (of: string): number[] => Array.from(tensor(of).dataSync());
        const scheduler = FlowMatchSDEDiscreteScheduler.fromConfig(json.config);
        for (const { id, set_timesteps } of json.subcases) {
          const { num_inference_steps, ...options } = set_timesteps;
          scheduler.setTimesteps(num_inference_steps, options);
          const { sigmaValues, timestepValues } = scheduler;
          assert.deepEqual(Array.from(sigmaValues), numbersOf(`${id}.sigmas`), id);
          assert.deepEqual(Array.from(timestepValues), numbersOf(`${id}.timesteps`), id);
        }
      });
    });
  }
});

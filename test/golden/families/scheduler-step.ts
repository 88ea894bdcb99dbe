import {
  FlowMatchEulerDiscreteScheduler,
  FlowMatchSDEDiscreteScheduler,
} from '../../../sdk/src/schedulers';
import { replayGenerator, tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { Description, FamilyCheck, GoldenCase } from '../golden-case';
import { compareErrors } from '../parts/scheduler-errors';

export const check: FamilyCheck = async (goldenCase) => {
  const comparison = new Comparison();
  const { json, name } = goldenCase;
  if (json.errors !== undefined) await compareErrors(json, comparison);
  else if (json.subcases !== undefined) compareSteps(goldenCase, comparison);
  else if (json.expected_indices !== undefined) compareIndices(goldenCase, comparison);
  else if (json.call.startsWith('scale_noise')) compareScaleNoise(goldenCase, comparison);
  else if (name.startsWith('ode')) compareEuler(goldenCase, comparison);
  else compareLoop(goldenCase, comparison);
  return comparison.result();
};

function makeScheduler(json: Description): FlowMatchSDEDiscreteScheduler {
  const scheduler = FlowMatchSDEDiscreteScheduler.fromConfig(json.config);
  layOut(scheduler, json);
  return scheduler;
}

function layOut(
  scheduler: FlowMatchSDEDiscreteScheduler | FlowMatchEulerDiscreteScheduler,
  { set_timesteps: request }: Description,
): void {
  // A case that sets nothing uses the training schedule.
  if (Object.keys(request ?? {}).length === 0) return;
  const { num_inference_steps: count, ...rest } = request;
  scheduler.setTimesteps(count, rest);
}

/** One step a subcase, by samplePreviousStep. */
function compareSteps(goldenCase: GoldenCase, comparison: Comparison): void {
  const { json, tensor } = goldenCase;
  const scheduler = makeScheduler(json);
  for (const sub of json.subcases) {
    scheduler.setBeginIndex(sub.step_index);
    const timestep = sub.timestep === null ? null : tensor(sub.timestep);
    const [prevSample, logProb, prevSampleMean, stdDevT, sqrtDt] = scheduler.samplePreviousStep(
      tensor('sample'),
      tensor('model_output'),
      {
        timestep,
        generator: replayGenerator([tensor('noise')]),
        noiseLevel: typeof sub.noise_level === 'string' ? tensor(sub.noise_level) : sub.noise_level,
        prevSample: sub.prev_sample && tensor(sub.prev_sample),
        sdeType: sub.sde_type,
        returnLogprobs: sub.return_logprobs,
        includeLogprobNormalizer: sub.include_logprob_normalizer,
        returnSqrtDt: true,
      },
    );
    const actual: Record<string, tf.Tensor | null> = {
      prev_sample: prevSample,
      log_prob: logProb,
      prev_sample_mean: prevSampleMean,
      std_dev_t: stdDevT,
      sqrt_dt: sqrtDt,
    };
    for (const [key, value] of Object.entries(actual)) {
      const expected = goldenCase.tensors.get(`${sub.id}.${key}`);
      if (expected === undefined) {
        if (key === 'log_prob') comparison.equal(`${sub.id}.log_prob`, value, null);
        continue;
      }
      const atol = json.tolerance.atol + 8 * (sub.float32_noise?.[key] ?? 0);
      if (value === null) comparison.fail(`${sub.id}.${key} is null`);
      else comparison.compare(`${sub.id}.${key}`, value, expected, { ...json.tolerance, atol });
    }
  }
}

/** A whole run by `step`: each step from the reference's sample, and all of them from our own. */
function compareLoop({ json, tensor }: GoldenCase, comparison: Comparison): void {
  const { atol, rtol } = json.tolerance;
  const parts = Object.fromEntries(
    ['model_output', 'noise', 'prev_sample', 'log_prob', 'prev_sample_mean'].map((key) => [
      key,
      tf.unstack(tensor(key)),
    ]),
  );
  for (const own of [false, true]) {
    const scheduler = makeScheduler(json);
    if (json.begin_index !== null) scheduler.setBeginIndex(json.begin_index);
    const generator = replayGenerator(parts.noise);
    const stdDevs: number[] = [];
    let sample = tensor('sample_init');
    json.noise_levels.forEach((noiseLevel: number, j: number) => {
      const output = scheduler.step(
        parts.model_output[j],
        scheduler.timestepValues[json.start + j],
        sample,
        {
          sChurn: 0.3,
          sNoise: 2,
          generator,
          noiseLevel,
          sdeType: json.sde_type,
          includeLogprobNormalizer: json.include_logprob_normalizer,
        },
      );
      const tolerance = own ? { atol: 10 * atol, rtol: 10 * rtol } : { atol, rtol };
      const label = `${own ? 'own' : 'step'} ${j}`;
      comparison.compare(`${label} x`, output.prevSample, parts.prev_sample[j], tolerance);
      comparison.compare(
        `${label} mean`,
        output.prevSampleMean,
        parts.prev_sample_mean[j],
        tolerance,
      );
      if (output.logProb === null) comparison.fail(`${label} has no logProb`);
      else comparison.compare(`${label} logProb`, output.logProb, parts.log_prob[j], tolerance);
      stdDevs.push(output.stdDevT.dataSync()[0]);
      sample = own ? output.prevSample : parts.prev_sample[j];
    });
    comparison.compare('std', stdDevs, tensor('std_dev_t'), { atol, rtol });
    comparison.equal('step index', scheduler.stepIndex, json.final_step_index);
  }
}

function compareEuler({ json, tensor, tensors }: GoldenCase, comparison: Comparison): void {
  const scheduler = FlowMatchEulerDiscreteScheduler.fromConfig(json.config);
  layOut(scheduler, json);
  const noise = tensors.get('noise');
  const generator = replayGenerator(noise ? tf.unstack(noise) : []);
  const expected = tf.unstack(tensor('prev_sample'));
  let sample = tensor('sample_init');
  tf.unstack(tensor('model_output')).forEach((v, j) => {
    const output = scheduler.step(v, scheduler.timestepValues[j], sample, { generator });
    comparison.compare(`step ${j}`, output.prevSample, expected[j], json.tolerance);
    sample = expected[j];
  });
}

function compareScaleNoise({ json, tensor }: GoldenCase, comparison: Comparison): void {
  const scheduler = makeScheduler(json);
  const actual = scheduler.scaleNoise(tensor('sample'), tensor('timestep'), tensor('noise'));
  comparison.compare('noised', actual, tensor('expected'), json.tolerance);
}

function compareIndices({ json }: GoldenCase, comparison: Comparison): void {
  const scheduler = makeScheduler(json);
  const indices = Array.from(scheduler.timestepValues, (t) => scheduler.indexForTimestep(t));
  comparison.equal('indices', indices, json.expected_indices);
}

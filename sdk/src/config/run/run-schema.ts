import { z } from 'zod';
import { modelSchema } from '../diffusion-model-schema';
import { actorSchema, refSection } from './actor-schema';
import { algorithmSchema } from './algorithm-schema';
import { dataSchema } from './data-schema';
import type { ModelEngine } from './engine-sections';
import { noteOf, shapeWithoutEffect } from './key-notes';
import { distillationSchema, rewardSchema } from './reward-schema';
import { rolloutSchema } from './rollout-schema';
import { MACHINERY, trainerSchema } from './trainer-schema';

/** A whole run: every key of verl-omni's diffusion trainer, with its default. */
function schemaFor(engine: ModelEngine) {
  return z.strictObject({
    actor_rollout_ref: z
      .strictObject({
        actor: actorSchema(engine).prefault({}),
        rollout: rolloutSchema.prefault({}),
        // Upstream names a model that few have; here it has to be given.
        model: modelSchema.prefault({}),
        ...shapeWithoutEffect({
          ref: refSection(engine),
          hybrid_engine: true,
          nccl_timeout: 600,
        }),
      })
      .prefault({}),
    data: dataSchema.prefault({}),
    reward: rewardSchema.prefault({}),
    distillation: distillationSchema.prefault({}),
    algorithm: algorithmSchema.prefault({}),
    trainer: trainerSchema.prefault({}),
    ...shapeWithoutEffect({ model_engine: engine, ...MACHINERY }),
  });
}

export const runSchemas = {
  dp_diffusion: schemaFor('dp_diffusion'),
  veomni_diffusion: schemaFor('veomni_diffusion'),
};

export type RunSchema = (typeof runSchemas)['dp_diffusion'];
/** A run's configuration, resolved and checked. */
export type RunSettings = z.output<RunSchema>;

/** The section beneath a default, and the default itself. */
export function unwrap(schema: z.core.$ZodType): { inner: z.core.$ZodType; fallback?: unknown } {
  if (schema instanceof z.ZodPrefault) return { inner: schema.def.innerType };
  if (schema instanceof z.ZodDefault) {
    return { inner: schema.def.innerType, fallback: schema.def.defaultValue };
  }
  return { inner: schema };
}

/** The schema as a section of keys, or null where it is a value. */
export function asSection(schema: z.core.$ZodType): z.ZodObject | null {
  const { inner } = unwrap(schema);
  return inner instanceof z.ZodObject ? inner : null;
}

/** All keys with their defaults; those that follow another hold an interpolation, as in upstream's YAML. */
export function defaultsOf(section: z.ZodObject): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(section.shape).map(([key, schema]) => {
      const inside = asSection(schema);
      if (inside !== null) return [key, defaultsOf(inside)];
      const { fallback } = unwrap(schema);
      const { follows } = noteOf(schema);
      return [
        key,
        follows === undefined
          ? structuredClone(fallback)
          : `\${oc.select:${follows},${fallback as string}}`,
      ];
    }),
  );
}

/** Keys that upstream's classes have and its YAML has not, so that an override adds them with "+". */
export const NOT_IN_UPSTREAM_YAML: ReadonlySet<string> = new Set(
  [
    ...['model.architecture', 'model.load_tokenizer', 'actor.log_prob_micro_batch_size_per_gpu'],
    ...['sample_strategy', 'iters_per_group', 'sde_window_seed'].flatMap((key) => [
      `model.algo.${key}`,
      `rollout.val_kwargs.algo.${key}`,
    ]),
    ...['model', 'rollout', 'rollout.val_kwargs'].map(
      (section) => `${section}.pipeline.output_type`,
    ),
    ...['model.pipeline.aspect_ratio'],
    ...['seed', 'temperature', 'top_k', 'top_p'].map((key) => `rollout.val_kwargs.${key}`),
    ...['enable_sleep_mode', 'log_prob_use_dynamic_bsz', 'log_prob_max_token_len_per_gpu'].map(
      (key) => `rollout.${key}`,
    ),
  ].map((key) => `actor_rollout_ref.${key}`),
);

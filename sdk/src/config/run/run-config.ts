import { stringify } from 'yaml';
import type { z } from 'zod';
import { firstIssue } from '../../core/first-issue';
import { readText } from '../../io/read-text';
import { ConfigTree } from './config-tree';
import { MODEL_ENGINES, type ModelEngine } from './engine-sections';
import { noteOf } from './key-notes';
import { parseOverride, type Override } from './parse-override';
import { parseYaml } from './parse-yaml';
import { resolveInterpolations } from './resolve-interpolations';
import { checkRunRules, type RegisteredNames } from './run-rules';
import { asSection, runSchemas, type RunSettings } from './run-schema';

type Section = Record<string, unknown>;

/** A configuration: a `.yaml`, `.yml` or `.json` file, the text of one, or its sections. Null for the defaults alone. */
export type RunConfigSource = string | object | null;

/** A key that was accepted and changes nothing here. */
export interface KeyWithoutEffect {
  /** Dotted. */
  key: string;
  value: unknown;
  /** Whether the source or an override gave it, rather than a default. */
  given: boolean;
}

const ENGINE_KEY = 'diffusion/model_engine';
const FILE = /^[^\n]*\.(?:ya?ml|json)$/i;

/**
 * A run's configuration with verl-omni's keys: complete, resolved and checked.
 *
 * @example
 * const run = loadRunConfig(null, ['data.train_batch_size=1']);
 * loadRunConfig(run.toYaml()).data.train_batch_size; // 1
 */
export class RunConfig implements Readonly<RunSettings> {
  readonly actor_rollout_ref: RunSettings['actor_rollout_ref'];
  readonly data: RunSettings['data'];
  readonly reward: RunSettings['reward'];
  readonly distillation: RunSettings['distillation'];
  readonly algorithm: RunSettings['algorithm'];
  readonly trainer: RunSettings['trainer'];
  readonly #settings: RunSettings;

  /**
   * @param settings All keys.
   * @param withoutEffect The keys that change nothing here: upstream's cluster, servers and profilers.
   */
  constructor(
    settings: RunSettings,
    readonly withoutEffect: readonly KeyWithoutEffect[],
  ) {
    this.#settings = settings;
    this.actor_rollout_ref = settings.actor_rollout_ref;
    this.data = settings.data;
    this.reward = settings.reward;
    this.distillation = settings.distillation;
    this.algorithm = settings.algorithm;
    this.trainer = settings.trainer;
  }

  /** All keys, those without effect among them. */
  toJSON(): RunSettings {
    return this.#settings;
  }

  /** The same as YAML, which `loadRunConfig` reads back. */
  toYaml(): string {
    return stringify(this.#settings, {
      version: '1.1',
      lineWidth: 0,
      aliasDuplicateObjects: false,
    });
  }
}

/**
 * Loads a run's configuration as verl-omni does: its defaults, the source over them, overrides over both, keys that follow
 * others, and its rules.
 *
 * @param source See `RunConfigSource`. A string that ends in .yaml, .yml or .json is a file, another one is YAML.
 * @param overrides Overrides by Hydra's grammar: `key=value`, `+key=value`, `++key=value`, `~key`, in order.
 * @param registered Names of losses and advantages that were registered here, for a run that goes by one.
 * @throws On a key that is not known (names the nearest), a value that breaks its rule, an override that is none.
 * @example
 * const run = loadRunConfig('trainer: {total_training_steps: 3}', ['actor_rollout_ref.rollout.n=16']);
 * run.actor_rollout_ref.actor.diffusion_loss.loss_mode; // 'flow_grpo' // as actor_rollout_ref.model.algorithm
 */
export function loadRunConfig(
  source: RunConfigSource = null,
  overrides: readonly string[] = [],
  registered: RegisteredNames = {},
): RunConfig {
  const run = resolveRunConfig(source, overrides);
  checkRunRules(run, registered);
  return run;
}

/** The same without the rules across sections, for those who need a part of it. */
export function resolveRunConfig(
  source: RunConfigSource,
  overrides: readonly string[] = [],
): RunConfig {
  const { origin, sections, engine } = readSource(source);
  const parsed = overrides.map(parseOverride);
  const schema = runSchemas[engineOf(parsed) ?? engine] as z.ZodObject;
  const tree = new ConfigTree(schema);
  tree.merge(sections, origin);
  for (const override of parsed) if (override.key[0] !== ENGINE_KEY) tree.apply(override);
  const resolved = resolveInterpolations(tree.root);
  const result = schema.safeParse(resolved);
  if (!result.success) throw explain(result.error, resolved);
  return new RunConfig(result.data as RunSettings, [
    ...listWithoutEffect(schema, result.data as Section, tree.given),
    ...[...tree.targets].map(([key, value]) => ({ key, value, given: true })),
  ]);
}

function readSource(source: RunConfigSource): {
  origin: string;
  sections: Section;
  engine: ModelEngine;
} {
  const isFile = typeof source === 'string' && FILE.test(source);
  const origin = isFile ? `"${source}"` : typeof source === 'string' ? 'the text' : 'the object';
  const sections = isFile
    ? parseYaml(readText(source), origin)
    : typeof source === 'string'
      ? parseYaml(source, origin)
      : ((source ?? {}) as Section);
  if (typeof sections !== 'object' || Array.isArray(sections)) {
    throw new Error(
      `Cannot read the configuration as it must be a mapping of keys: current value is ${JSON.stringify(source)}`,
    );
  }
  return { origin, sections, engine: engineNamed(sections) };
}

/** The engine that a source names, or has the section of. */
function engineNamed(sections: Section): ModelEngine {
  const { actor } = (sections.actor_rollout_ref ?? {}) as { actor?: Section };
  const named = MODEL_ENGINES.find((engine) => engine === sections.model_engine);
  return named ?? (actor?.veomni_config === undefined ? 'dp_diffusion' : 'veomni_diffusion');
}

/** The engine that overrides choose, or null. */
function engineOf(overrides: readonly Override[]): ModelEngine | null {
  const chosen = overrides.filter(({ key }) => key[0].includes('/')).at(-1);
  if (chosen === undefined) return null;
  const engine = MODEL_ENGINES.find((known) => known === chosen.value);
  if (chosen.key[0] !== ENGINE_KEY || engine === undefined) {
    throw new Error(
      `Cannot read override "${chosen.text}" as a choice must be ${ENGINE_KEY}=${MODEL_ENGINES.join(` or ${ENGINE_KEY}=`)}`,
    );
  }
  return engine;
}

function explain(error: z.ZodError, input: unknown): Error {
  const { at, rule, value } = firstIssue(error, input);
  return new Error(
    `Cannot read the configuration as ${at} breaks a rule (${rule}): current value is ${JSON.stringify(value)}`,
  );
}

/** Keys of a section that have no effect, with those below them. */
function listWithoutEffect(
  section: z.ZodObject,
  values: Section,
  given: ReadonlySet<string>,
  path: readonly string[] = [],
): KeyWithoutEffect[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const at = [...path, key];
    const schema: z.core.$ZodType | undefined = section.shape[key];
    const inside = schema === undefined ? null : asSection(schema);
    const isEmpty = Object.keys(value ?? {}).length === 0;
    if (inside !== null && typeof value === 'object' && value !== null && !isEmpty) {
      return listWithoutEffect(inside, value as Section, given, at);
    }
    // A key that the schema does not list stands in a section without effect: no other section takes any.
    if (schema !== undefined && noteOf(schema).withoutEffect !== true) return [];
    const name = at.join('.');
    const isGiven = [...given].some((one) => one === name || one.startsWith(`${name}.`));
    return [{ key: name, value, given: isGiven }];
  });
}

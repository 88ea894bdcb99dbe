import { selectLoraTargets } from '../models/lora-targets';
import { estimateDecoding, estimateTransformer } from './estimate-activations';
import type { InspectedComponent } from './inspect-component';
import { knownClasses, type TransformerShape } from './known-classes';
import type { MemoryNeed, MemoryReport, MemorySettings } from './model-report';

const FLOAT_BYTES = 4;

/** Measured: results as wide as a layer's output that an adapter in factored form and its gradient keep, for each token. */
export const ADAPTER_OUTPUTS = 8;
const COPIES_OF_TRAINED = 1;

/** The usual number of pixels a side for each latent, where no known autoencoder says it. */
export const USUAL_COMPRESSION = 8;

/** What is asked for when nothing is said. */
export const MEMORY_DEFAULTS: MemorySettings = {
  height: 1024,
  width: 1024,
  batch: 1,
  textTokens: 512,
  rank: 64,
  targetModules: 'all-linear',
  average: false,
  dtype: 'float32',
};

/**
 * Memory for inference, for training adapters and for training all of the transformer.
 *
 * @throws When a number is no whole number from 1, or `targetModules` names no layer.
 */
export function memoryNeeds(
  components: readonly InspectedComponent[],
  settings: MemorySettings,
): MemoryReport {
  checkSettings(settings);
  const weights = components.reduce((sum, { report }) => sum + report.loadedBytes, 0);
  const trained = components.find(isTransformer);
  const shape = trained === undefined ? null : transformerShape(trained);
  const { compression, channels } = components.map(autoencoderShape).find(Boolean) ?? {
    compression: USUAL_COMPRESSION,
    channels: 0,
  };
  const estimate = shape && estimateTransformer(shape, compression, settings);
  const decoding = estimateDecoding(channels, settings);
  const inference = need({
    weights,
    activations: estimate && Math.max(estimate.forward, decoding),
  });
  if (trained === undefined || shape === null) {
    return { ...settings, inference, lora: null, full: null };
  }
  const { rank, targetModules } = settings;
  const paths = selectLoraTargets([...shape.layers.keys()], targetModules);
  const sizes = paths.map((path) => shape.layers.get(path) as readonly [number, number]);
  const parameters = sizes.reduce((sum, [out, inputs]) => sum + rank * (out + inputs), 0);
  const outputs = sizes.reduce((sum, [out]) => sum + out, 0);
  const adapters = parameters * FLOAT_BYTES;
  const activations = estimate && estimate.backward;
  const lora = need({
    ...training(adapters, settings.average),
    weights,
    adapters,
    activations: estimate && estimate.backward + estimate.rowBytes * ADAPTER_OUTPUTS * outputs,
  });
  const trainedBytes = trained.report.parameters * FLOAT_BYTES;
  // Updates are smaller than bfloat16's steps: its weights are not trained.
  if (settings.dtype === 'bfloat16') {
    return {
      ...settings,
      inference,
      lora: { ...lora, layers: paths.length, parameters },
      full: null,
    };
  }
  const full = need({
    ...training(trainedBytes, settings.average),
    weights,
    weightCopies: COPIES_OF_TRAINED * trainedBytes,
    activations,
  });
  return { ...settings, inference, lora: { ...lora, layers: paths.length, parameters }, full };
}

/** Gradients and AdamW's moments of parameters that take so many bytes. */
function training(bytes: number, average: boolean): Partial<MemoryNeed> {
  return { gradients: bytes, moments: 2 * bytes, average: average ? bytes : 0 };
}

function need(parts: Partial<MemoryNeed>): MemoryNeed {
  const complete = {
    weights: 0,
    adapters: 0,
    weightCopies: 0,
    gradients: 0,
    moments: 0,
    average: 0,
    activations: null,
    ...parts,
  };
  const total = Object.values(complete).reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  return { ...complete, total };
}

function isTransformer({ report: { className } }: InspectedComponent): boolean {
  return knownClasses[className ?? '']?.transformer !== undefined;
}

/** Null when its settings are none that the class takes; the component's report says why. */
function transformerShape({ report, config }: InspectedComponent): TransformerShape | null {
  if (report.problem !== null) return null;
  return knownClasses[report.className as string].transformer?.(config) ?? null;
}

function autoencoderShape({ report, config }: InspectedComponent) {
  if (report.problem !== null) return undefined;
  return knownClasses[report.className ?? '']?.autoencoder?.(config);
}

function checkSettings(settings: MemorySettings): void {
  for (const key of ['height', 'width', 'batch', 'textTokens', 'rank'] as const) {
    if (!Number.isSafeInteger(settings[key]) || settings[key] < 1) {
      throw new Error(
        `Cannot inspect a model as ${key} must be a whole number from 1: current value is ${settings[key]}`,
      );
    }
  }
}

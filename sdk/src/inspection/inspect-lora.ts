import type { SafetensorsInfo } from '../io/safetensors-header';
import type { LoraReport } from './model-report';

/** `<layer>.lora_A.weight`, with an adapter's name before `weight` or without. */
const TENSOR = /^(.+)\.lora_([AB])(?:\.\w+)?\.weight$/;

/** What an adapter's tensors say; null when they are none. */
export function inspectLora(tensors: ReadonlyMap<string, SafetensorsInfo>): LoraReport | null {
  const ranks = new Map<string, number>();
  for (const [name, { shape }] of tensors) {
    const [, layer, part] = TENSOR.exec(name) ?? [];
    if (part === 'A') ranks.set(layer, shape[0]);
  }
  if (ranks.size === 0) return null;
  const layers = [...ranks.keys()];
  const everyStarts = (prefix: string) => layers.every((layer) => layer.startsWith(prefix));
  const form = everyStarts('base_model.model.')
    ? 'PEFT'
    : layers.every((layer) => /^(transformer|unet|text_encoder(_\d)?)\./.test(layer))
      ? 'diffusers'
      : 'other';
  return {
    form,
    layers: layers.length,
    ranks: [...new Set(ranks.values())].sort((a, b) => a - b),
    targets: [...new Set(layers.map((layer) => layer.replace(/^.*?\.\d+\./, '')))].sort(),
  };
}

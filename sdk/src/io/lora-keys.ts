/** A part of a layer's adapter in a file. */
export type LoraPart = 'A' | 'B' | 'alpha';

/** Where in a model a tensor of a LoRA file belongs. */
export interface LoraKey {
  module: string;
  part: LoraPart;
}

/** Spellings of A (down) and B (up): PEFT's, diffusers' older ones, and the one of kohya-ss. */
const PARTS: Readonly<Record<string, LoraPart>> = {
  lora_A: 'A',
  'lora.down': 'A',
  lora_down: 'A',
  'lora_linear_layer.down': 'A',
  lora_B: 'B',
  'lora.up': 'B',
  lora_up: 'B',
  'lora_linear_layer.up': 'B',
};

/** Other components, whose layers are left out. */
const OTHERS = /^(text_encoder|text_encoder_2|text_encoder_3|unet|vae|transformer)\./;

/**
 * Reads the name of a tensor in a LoRA file.
 *
 * @param component The model's name in a pipeline, such as `transformer`.
 * @param flatNames The model's linear layers under the names that kohya-ss gives them, with "_" for ".".
 * @returns null for a tensor of another component.
 * @throws A text that ends "as ..." when the name is no LoRA's.
 */
export function parseLoraKey(
  name: string,
  component: string,
  flatNames: ReadonlyMap<string, string>,
): LoraKey | null {
  if (/dora_scale|lora_magnitude_vector/.test(name)) {
    throw new Error(`as DoRA is not supported: current value is ${name}`);
  }
  if (/\.lora_B(\.default)?\.bias$/.test(name)) {
    throw new Error(`as "lora_bias" must be false: current value is ${name}`);
  }
  const split = splitPart(name.replace('.processor.', '.'));
  if (split === null) {
    throw new Error(
      `as its tensors must end in .lora_A.weight or .lora_B.weight: current value is ${name}`,
    );
  }
  const bare = split.module.replace(/^(base_model\.model|diffusion_model)\./, '');
  const flat = /^lora_(?:unet|transformer)_(.+)$/.exec(bare);
  if (flat !== null) return { ...split, module: flatNames.get(flat[1]) ?? bare };
  if (bare.startsWith(`${component}.`)) {
    return { ...split, module: bare.slice(component.length + 1) };
  }
  return OTHERS.test(bare) || bare.startsWith('lora_te') ? null : { ...split, module: bare };
}

function splitPart(name: string): LoraKey | null {
  const alpha = /^(.+?)(?:\.lora)?\.alpha$/.exec(name);
  if (alpha !== null) return { module: alpha[1], part: 'alpha' };
  const match =
    /^(.+?)[._](lora_A|lora_B|lora\.down|lora\.up|lora_down|lora_up|lora_linear_layer\.down|lora_linear_layer\.up)(?:\.default)?\.weight$/.exec(
      name,
    );
  if (match === null) return null;
  // Attention processors of old: "to_out_lora" stands for the first layer of "to_out".
  const isProcessor = name[match[1].length] === '_' && match[2].startsWith('lora.');
  const module = isProcessor && match[1].endsWith('to_out') ? `${match[1]}.0` : match[1];
  return { module, part: PARTS[match[2]] };
}

const PREFIX =
  '<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n';
const SUFFIX = '<|im_end|>\n<|im_start|>assistant\n';

/** Tokens of the template before the prompt; the text encoder reads them, the transformer does not. */
export const TEMPLATE_PREFIX_TOKENS = 34;

/** Longest prompt that the text encoder reads, in tokens, template prefix not counted. */
export const MAXIMUM_PROMPT_TOKENS = 1024;

/**
 * Puts a prompt into the conversation that Qwen-Image's text encoder expects.
 *
 * Source: diffusers `QwenImagePipeline.prompt_template_encode`.
 *
 * @example
 * applyPromptTemplate('a red circle').split('\n')[3]; // 'a red circle<|im_end|>'
 */
export function applyPromptTemplate(prompt: string): string {
  return PREFIX + prompt + SUFFIX;
}

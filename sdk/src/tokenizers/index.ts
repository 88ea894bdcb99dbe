export { PretrainedTokenizer, type DecodeOptions } from './pretrained-tokenizer';
export { Qwen2Tokenizer, type ChatTemplateOptions } from './qwen2-tokenizer';
export { CLIPTokenizer } from './clip-tokenizer';
export { T5Tokenizer } from './t5-tokenizer';
export type { ChatMessage } from './chat-template';
export type { BatchOptions, TokenBatch } from './pad-batch';

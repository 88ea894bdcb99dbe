export { Qwen2Tokenizer, type ChatTemplateOptions, type DecodeOptions } from './qwen2-tokenizer';
export type { ChatMessage } from './chat-template';
export type { BatchOptions, TokenBatch } from './pad-batch';

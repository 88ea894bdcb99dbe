export * from './core';
export * from './tensorflow';
export * from './io';
export * from './config';
export * from './tokenizers';
export * from './rewards';

export * from './world';
export * from './render-scene';
export * from './detect-objects';
export * from './judge-picture';
export * from './shapes-prompts';
export * from './split-kinds';
export * from './shapes-pairs';
export * from './shapes-reward';

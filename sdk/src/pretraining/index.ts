export * from './initial-weights';
export * from './learning-rate';
export * from './autoencoder-loss';
export * from './autoencoder-task';
export * from './flow-matching-task';
export * from './pretrain';
export * from './new-transformer';

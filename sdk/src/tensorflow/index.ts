import './tensor-display';

export * from './backend';
export * from './bfloat16';
export { multipliesBfloat16 } from './bfloat16-products';
export * from './compile';
export * from './generator';
export * from './torch-generator';
export * from './random';
export * from './scope';
export * from './device';
export * from './stop-gradient';

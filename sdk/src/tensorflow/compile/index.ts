export { compile, type CompileOptions, type CompiledFunction } from './compile';
export { type TensorTree } from './tensor-tree';

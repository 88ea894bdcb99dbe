export { compile, type CompileOptions, type CompiledFunction } from './compile';
export { compileDifferentiable, type CompileDifferentiableOptions } from './compile-differentiable';
export { type TensorTree } from './tensor-tree';

export { compile, type CompileOptions, type CompiledFunction, type PreparedCall } from './compile';
export {
  compileDifferentiable,
  type CompileDifferentiableOptions,
  type DifferentiableFunction,
  type Pullback,
} from './compile-differentiable';
export { type FirstCallProgress } from './first-call';
export { type ClosedOver } from './stored-recording';
export { type TensorTree } from './tensor-tree';

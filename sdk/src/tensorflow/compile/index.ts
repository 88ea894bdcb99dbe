export {
  compile,
  type CompileOptions,
  type CompiledFunction,
  type FirstCallProgress,
  type PreparedCall,
} from './compile';
export {
  compileDifferentiable,
  type CompileDifferentiableOptions,
  type DifferentiableFunction,
  type Pullback,
} from './compile-differentiable';
export { type TensorTree } from './tensor-tree';

import { observer } from '../../core/observer';
import { checkOptions, FUNCTION, required, SWITCH, type Rules } from '../../core/option-rules';
import { tf } from '../backend';
import { announceFirstCalls } from './announce-first-calls';
import { recordingBackend } from './binding';
import {
  compile,
  COMPILE_RULES,
  usesXla,
  type CompileOptions,
  type CompiledFunction,
  type PreparedCall,
} from './compile';
import { FirstCall } from './first-call';
import {
  runFunction,
  runFunctionAsync,
  type GraphFunction,
  type GraphInput,
} from './graph-function';
import { outsideTape } from './outside-tape';
import { isRecording, record, type Recorder } from './record';
import {
  fedInputs,
  fedPlaces,
  RecordingCache,
  releaseFed,
  type CacheEntry,
} from './recording-cache';
import { StoredRecording } from './stored-recording';
import type { TensorTree } from './tensor-tree';

/** How `compileDifferentiable` treats a function. */
export interface CompileDifferentiableOptions extends CompileOptions {
  /** The variables that gradients are taken of, asked for at each recording. */
  variables: () => readonly tf.Variable[];
  /**
   * Compute the forward pass again in the backward pass instead of keeping what lies between: a third more work, and the
   * memory of one forward pass alone. Default false.
   */
  remat?: boolean;
}

const RULES: Rules<CompileDifferentiableOptions> = {
  ...COMPILE_RULES,
  variables: required(FUNCTION),
  remat: SWITCH,
};

/** A result with what its gradient is computed from. */
export interface Pullback {
  value: tf.Tensor;
  /**
   * Gradients by the variables' names; a variable that the result does not depend on is missing.
   *
   * @param dy The gradient of a loss with respect to the value.
   */
  gradients(dy: tf.Tensor): Promise<Record<string, tf.Tensor>>;
  /** Frees the value and what was kept for the gradient. */
  dispose(): void;
}

/** A compiled function with a gradient. */
export interface DifferentiableFunction<Arguments extends TensorTree[]> extends CompiledFunction<
  Arguments,
  tf.Tensor
> {
  /**
   * Records with the gradient; the run, on another thread, keeps what the gradient needs. Without graphs null: there is no
   * other thread.
   */
  preparePullback: ((...args: Arguments) => PreparedCall<tf.Tensor, Pullback>) | null;
}

/** A function recorded with its gradient, cut in two. */
interface GradientEntry extends CacheEntry {
  functions: [forward: GraphFunction, backward: GraphFunction];
  firstCalls: [forward: FirstCall, backward: FirstCall];
  /** Variables that the result depends on, in the order of the gradients. */
  used: tf.Variable[];
  /** Shape and type of the result. */
  outline: tf.Tensor;
  /** Places in what is fed that the backward function takes after the gradient and what was kept. */
  fedAgain: number[];
}

/**
 * Like `compile`, for a function whose gradient with respect to variables is wanted: under `tf.variableGrads` it is one
 * operation, whose gradient is a second graph that starts from what the first one kept.
 *
 * @param fn Takes trees of tensors and returns one tensor. Gradients with respect to its arguments are not taken.
 * @example
 * const w = tf.variable(tf.scalar(3));
 * const scale = compileDifferentiable((x: tf.Tensor) => tf.mul(x, w), { variables: () => [w] });
 * tf.variableGrads(() => tf.sum(scale(tf.tensor1d([1, 2]))), [w]).grads[w.name]; // 3
 */
export function compileDifferentiable<Arguments extends TensorTree[]>(
  fn: (...args: Arguments) => tf.Tensor,
  all: CompileDifferentiableOptions,
): DifferentiableFunction<Arguments> {
  checkOptions(`compile "${fn.name || 'function'}"`, all, RULES);
  const { variables, remat = false, ...options } = all;
  const { onFirstCall = announceFirstCalls() } = options;
  const plain = compile(fn, { ...options, onFirstCall });
  const native = recordingBackend();
  if (native === null) {
    return Object.defineProperty(plain, 'preparePullback', {
      value: null,
    }) as DifferentiableFunction<Arguments>;
  }
  const backend = native;
  const { name = fn.name || 'function', xla = 'auto', maxSignatures = 16 } = options;
  const watch = observer(onFirstCall, 'onFirstCall', `compiling "${name}"`);
  const cache = new RecordingCache<GradientEntry>(`${name}, with its gradient`, maxSignatures);

  const make = (args: Arguments, tensors: tf.Tensor[]): GradientEntry => {
    const firstCalls: GradientEntry['firstCalls'] = [
      new FirstCall(name, watch),
      new FirstCall(name, watch),
    ];
    firstCalls[0].tell('recording');
    const stored = StoredRecording.of(backend, options, args, tensors, ['gradient', xla, remat]);
    const found = stored?.read();
    if (found) return { ...found, firstCalls } as GradientEntry;
    const all = variables();
    let cut = 0;
    let [value, dyPlace] = [0, 0];
    // The forward pass decides for both: with and without a gradient it has to give the same bits.
    let isXla = false;
    let used: tf.Variable[] = [];
    let outline: tf.Tensor | undefined;
    const recording = record(
      backend,
      (given: Arguments, recorder: Recorder) => {
        const { grads } = tf.variableGrads(() => {
          const y = fn(...given);
          outline = y;
          value = recorder.addOutput(y);
          cut = recorder.size;
          isXla = usesXla(xla, recorder);
          const dy = recorder.addInputLike(y);
          dyPlace = dy.value;
          return tf.sum(tf.mul(y, dy.tensor)) as tf.Scalar;
        }, [...all]);
        used = all.filter((variable) => grads[variable.name] != null);
        return used.map((variable) => grads[variable.name]);
      },
      args,
    );
    try {
      const gradients = recording.outputs;
      const fed = fedPlaces(recording);
      const crossing = recording.graph.crossing(gradients, cut);
      const kept = remat ? [] : crossing.filter((place) => !fed.includes(place));
      const again = fed.filter((place) => remat || place >= cut || crossing.includes(place));
      const forward = recording.graph.define(fed, [value, ...kept], isXla);
      const backward = recording.graph.define([dyPlace, ...kept, ...again], gradients, isXla);
      const entry = {
        fed: recording,
        functions: [forward, backward] as [GraphFunction, GraphFunction],
        outline: outline as tf.Tensor,
        used,
        fedAgain: again.map((place) => fed.indexOf(place)),
      };
      stored?.write(entry);
      return { ...entry, firstCalls };
    } catch (error) {
      releaseFed(recording);
      throw error;
    }
  };
  const entryFor = (args: Arguments) =>
    outsideTape(() => cache.entryFor(args, (tensors) => make(args, tensors)));

  const underTape = (args: Arguments): tf.Tensor => {
    const { entry, inputs } = entryFor(args);
    const [forward, backward] = entry.functions;
    const [first, firstGradient] = entry.firstCalls;
    const operation = tf.customGrad((...given) => {
      const save = given[given.length - 1] as unknown as tf.GradSaveFunc;
      const fed = fedInputs(entry.fed, inputs);
      const [value, ...kept] = first.run(() => runFunction(backend, forward, fed, name));
      save([...kept, ...inputs]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const fed = fedInputs(entry.fed, saved.slice(kept.length));
        const given = [dy, ...saved.slice(0, kept.length), ...pick(fed, entry.fedAgain)];
        return firstGradient.run(() => runFunction(backend, backward, given, name));
      };
      return { value, gradFunc };
    });
    return operation(...entry.used);
  };
  const preparePullback = (...args: Arguments): PreparedCall<tf.Tensor, Pullback> => {
    const { entry, inputs } = entryFor(args);
    const [forward, backward] = entry.functions;
    const [first, firstGradient] = entry.firstCalls;
    const fed = fedInputs(entry.fed, inputs);
    const run = async (): Promise<Pullback> => {
      // The arguments may be disposed before the gradient is asked for.
      const again = pick(fed, entry.fedAgain).map((input) =>
        typeof input === 'number' || input instanceof tf.Variable ? input : tf.keep(input.clone()),
      );
      const running = first.runAsync(() => runFunctionAsync(backend, forward, fed, name));
      const [value, ...kept] = await running.catch((error: unknown) => {
        tf.dispose(again.filter(isOwned));
        throw error;
      });
      return {
        value,
        async gradients(dy) {
          const gradients = await firstGradient.runAsync(() =>
            runFunctionAsync(backend, backward, [dy, ...kept, ...again], name),
          );
          return Object.fromEntries(entry.used.map(({ name }, at) => [name, gradients[at]]));
        },
        dispose() {
          tf.dispose([value, ...kept, ...again.filter(isOwned)]);
        },
      };
    };
    return { outline: entry.outline, run };
  };
  const call = (...args: Arguments): tf.Tensor =>
    tf.engine().isTapeOn() && !isRecording() ? underTape(args) : plain(...args);
  return Object.defineProperties(call, {
    prepare: { value: plain.prepare },
    runAsync: { value: plain.runAsync },
    warm: { value: plain.warm },
    preparePullback: { value: preparePullback },
    signatureCount: { get: () => plain.signatureCount + cache.size },
    dispose: {
      value: () => {
        plain.dispose();
        cache.dispose();
      },
    },
  }) as DifferentiableFunction<Arguments>;
}

function pick(inputs: readonly GraphInput[], places: readonly number[]): GraphInput[] {
  return places.map((place) => inputs[place]);
}

function isOwned(input: GraphInput): input is tf.Tensor {
  return typeof input !== 'number' && !(input instanceof tf.Variable);
}

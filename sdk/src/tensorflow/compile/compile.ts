import { observer } from '../../core/observer';
import {
  anyOf,
  checkOptions,
  COUNT_OR_INFINITY,
  FUNCTION,
  oneOf,
  orNull,
  SWITCH,
  TEXT,
  type Rules,
} from '../../core/option-rules';
import { tf } from '../backend';
import { announceFirstCalls } from './announce-first-calls';
import { recordingBackend } from './binding';
import { FirstCall, type FirstCallProgress } from './first-call';
import { runFunction, runFunctionAsync } from './graph-function';
import type { GraphSize } from './graph';
import { isRecording, record } from './record';
import {
  fedInputs,
  fedPlaces,
  RecordingCache,
  releaseFed,
  type CacheEntry,
} from './recording-cache';
import { StoredRecording, type ClosedOver } from './stored-recording';
import { flattenTree, replaceTensors, type TensorTree } from './tensor-tree';

/** How `compile` treats a function. */
export interface CompileOptions {
  /** Name in messages. Default: the function's own. */
  name?: string;
  /**
   * Compile the whole graph with XLA, or run TensorFlow's own kernels. Default `'auto'`: XLA from two billion operations in
   * matrix products on, where it is worth the seconds that it takes. The choice depends on shapes and types alone.
   */
  xla?: boolean | 'auto';
  /** Recordings kept; the least recently used is dropped. Default 16. */
  maxSignatures?: number;
  /**
   * What the function depends on besides its arguments, where that is known: such a recording is kept on disk, so that the next
   * process need not record. Asked at each recording; null, or a result that is no single tensor: nothing is kept. Default: null.
   */
  closedOver?: (...args: never[]) => ClosedOver | null;
  /**
   * Told of the first call for a signature: recording takes milliseconds, compiling seconds. What it throws is said on stderr, once.
   * Default: says `compiling <name> ...` on stderr, once, when a first call has lasted over two seconds.
   */
  onFirstCall?: (progress: FirstCallProgress) => void;
}

/** What the options of `compile` must be. */
export const COMPILE_RULES: Rules<CompileOptions> = {
  name: TEXT,
  xla: anyOf(SWITCH, oneOf('auto')),
  maxSignatures: COUNT_OR_INFINITY,
  closedOver: orNull(FUNCTION),
  onFirstCall: orNull(FUNCTION),
};

/** A call that is recorded and has its arguments. */
export interface PreparedCall<Result, Given> {
  /** The result's structure, shapes and types; its tensors have no values. */
  outline: Result;
  /** Runs on another thread. The arguments must be there until it begins. The caller owns the result. */
  run(): Promise<Given>;
}

/** A function that runs as one TensorFlow graph. */
export interface CompiledFunction<Arguments extends TensorTree[], Result extends TensorTree> {
  (...args: Arguments): Result;
  /** Runs on another thread, so that this one stays free; the caller owns the result, whatever the scope. */
  runAsync(...args: Arguments): Promise<Result>;
  /** Records for these arguments, and runs later on another thread. */
  prepare(...args: Arguments): PreparedCall<Result, Result>;
  /** Records and compiles for arguments of this signature, on another thread. The arguments stay the caller's. */
  warm(...args: Arguments): Promise<void>;
  /** Number of recordings held. */
  readonly signatureCount: number;
  /** Lets go of all recordings; the next call records anew. */
  dispose(): void;
}

/** A recorded function. */
interface ValueEntry extends CacheEntry {
  /** What it returned, with disposed tensors in the places of the outputs. */
  result: TensorTree;
  firstCall: FirstCall;
}

/** From so many operations in matrix products on, XLA gains more than its compilation takes. */
const XLA_OPERATIONS = 2e9;

/** Whether a graph of this size goes through XLA. */
export function usesXla(
  xla: boolean | 'auto',
  { productOperations, hasBfloat16 }: GraphSize,
): boolean {
  if (xla !== 'auto') return xla;
  // XLA widens bfloat16 before it multiplies, and may leave out a rounding; TensorFlow's own kernels do as they are told.
  return productOperations >= XLA_OPERATIONS && !hasBfloat16;
}

/**
 * Turns a function of tensors into one TensorFlow graph; large ones are compiled by XLA.
 *
 * The function is run once for each signature (structure, types, shapes and plain values of its arguments) and its
 * operations are recorded, gradients included; nothing is computed meanwhile. Variables that it reads are fed anew at each
 * call, by handle; other tensors from outside are captured as they are. A tensor that is both an argument and one of these is the
 * argument where the function takes it from its arguments, whatever data it shares. Randomness has to come in as an argument. Without
 * the native backend the function itself is called.
 *
 * @param fn Takes and returns trees of tensors; must not read values, assign variables or keep tensors.
 * @throws When there is no such option or one breaks its rule. At the first call, when the function does what it must not; the
 *   message names it, the rule and the line. At any call, when a variable that it reads was disposed; the message names both.
 * @example
 * const norm = compile((x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x))));
 * norm(tf.tensor1d([3, 4])); // 5
 */
export function compile<Arguments extends TensorTree[], Result extends TensorTree>(
  fn: (...args: Arguments) => Result,
  options: CompileOptions = {},
): CompiledFunction<Arguments, Result> {
  checkOptions(`compile "${fn.name || 'function'}"`, options, COMPILE_RULES);
  const { name = fn.name || 'function', xla = 'auto', maxSignatures = 16 } = options;
  const { onFirstCall = announceFirstCalls() } = options;
  const watch = observer(onFirstCall, 'onFirstCall', `compiling "${name}"`);
  const backend = recordingBackend();
  if (backend === null) return withoutGraphs(fn);
  const cache = new RecordingCache<ValueEntry>(name, maxSignatures);

  const make = (args: Arguments, tensors: tf.Tensor[]): ValueEntry => {
    const firstCall = new FirstCall(name, watch);
    firstCall.tell('recording');
    const stored = StoredRecording.of(backend, options, args, tensors, ['value', xla]);
    const found = stored?.read();
    if (found) return { ...found, result: found.outline, firstCall };
    const recording = record(backend, (given) => fn(...given), args);
    try {
      const { result, outputs, graph } = recording;
      const isXla = usesXla(xla, graph);
      const functions = [graph.define(fedPlaces(recording), outputs, isXla)];
      if (result instanceof tf.Tensor)
        stored?.write({ fed: recording, functions, outline: result });
      return { fed: recording, functions, result, firstCall };
    } catch (error) {
      releaseFed(recording);
      throw error;
    }
  };
  /** The recording for these arguments with what it is fed. */
  const prepare = (args: Arguments) => {
    const { entry, inputs } = cache.entryFor(args, (tensors) => make(args, tensors));
    return { entry, fed: fedInputs(entry.fed, inputs) };
  };

  const call = (...args: Arguments): Result => {
    // Within a recording it becomes part of the graph that is being recorded.
    if (isRecording()) return fn(...args);
    const { entry, fed } = prepare(args);
    const outputs = entry.firstCall.run(() => runFunction(backend, entry.functions[0], fed, name));
    return replaceTensors(entry.result, outputs) as Result;
  };
  const prepareCall = (...args: Arguments): PreparedCall<Result, Result> => {
    const { entry, fed } = prepare(args);
    const { result } = entry;
    return {
      outline: result as Result,
      async run() {
        const [graph] = entry.functions;
        const outputs = await entry.firstCall.runAsync(() =>
          runFunctionAsync(backend, graph, fed, name),
        );
        return replaceTensors(result, outputs) as Result;
      },
    };
  };
  const warm = async (...args: Arguments): Promise<void> => {
    tf.dispose((await prepareCall(...args).run()) as tf.TensorContainer);
  };
  return Object.defineProperties(call, {
    prepare: { value: prepareCall },
    runAsync: { value: (...args: Arguments) => prepareCall(...args).run() },
    warm: { value: warm },
    signatureCount: { get: () => cache.size },
    dispose: { value: () => cache.dispose() },
  }) as CompiledFunction<Arguments, Result>;
}

/** The function itself, in the same clothes: like a graph it leaves nothing but its result. */
function withoutGraphs<Arguments extends TensorTree[], Result extends TensorTree>(
  fn: (...args: Arguments) => Result,
): CompiledFunction<Arguments, Result> {
  const call = (...args: Arguments): Result => {
    let result: Result | undefined;
    tf.tidy(() => {
      const given = fn(...args);
      // Copies, which share data: what the function gives may be an argument, which stays the caller's.
      const copies = flattenTree(given).tensors.map((tensor) => tensor.clone());
      result = replaceTensors(given, copies);
      return copies;
    });
    return result as Result;
  };
  const runAsync = async (...args: Arguments): Promise<Result> => {
    const result = call(...args);
    flattenTree(result).tensors.forEach((tensor) => tf.keep(tensor));
    return result;
  };
  // Computed twice, as what is prepared may never run, or more than once.
  const prepare = (...args: Arguments): PreparedCall<Result, Result> => {
    const outline = call(...args);
    tf.dispose(flattenTree(outline).tensors);
    return { outline, run: () => runAsync(...args) };
  };
  return Object.defineProperties(call, {
    prepare: { value: prepare },
    runAsync: { value: runAsync },
    warm: { value: async () => {} },
    signatureCount: { get: () => 0 },
    dispose: { value: () => {} },
  }) as CompiledFunction<Arguments, Result>;
}

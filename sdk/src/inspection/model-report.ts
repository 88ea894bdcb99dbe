import type { SafetensorsDtype } from '../io';
import type { ModelDtype } from '../models/model-dtype';

/** A file of a component. */
export interface InspectedFile {
  /** Path in the model, with "/". */
  path: string;
  bytes: number;
}

/** One component of a model, from the headers of its files. */
export interface ComponentReport {
  /** The folder in the model; the file's name for a single file. */
  name: string;
  /** `diffusers` or `transformers`; null when nothing names it. */
  library: string | null;
  /** As model_index.json or config.json names it; null when nothing does. */
  className: string | null;
  /** Whether Flowbook loads this class. Of others, all that is known are the headers. */
  isKnown: boolean;
  /** Parameters in the files, buffers left out; 0 for schedulers and tokenizers. */
  parameters: number;
  /** Values by the type they are stored in, buffers included. */
  dtypes: Partial<Record<SafetensorsDtype, number>>;
  /** Weight files, in the order read. */
  files: InspectedFile[];
  /** Bytes of the weight files. */
  diskBytes: number;
  /** Bytes of the weights once loaded as `dtype` asks for; what the class does not read is left out. */
  loadedBytes: number;
  /** Why the component would not load; null when nothing speaks against it. */
  problem: string | null;
}

/** A low-rank adapter's file. */
export interface LoraReport {
  form: 'diffusers' | 'PEFT' | 'other';
  /** Adapted layers. */
  layers: number;
  /** Ranks that occur, in ascending order. */
  ranks: number[];
  /** Ends of the adapted layers' paths, numbers of blocks left out. */
  targets: string[];
}

/** Bytes by purpose. Estimates are named so, null where the class is not known; the others follow from shapes. */
export interface MemoryNeed {
  /** All components' weights. */
  weights: number;
  /** A and B of the adapters. */
  adapters: number;
  /** One gradient for each trained parameter. */
  gradients: number;
  /** AdamW's two moments. */
  moments: number;
  /** The moving average of the trained parameters. */
  average: number;
  /**
   * Estimate: copies of trained weights that the backward pass holds.
   */
  weightCopies: number;
  /** Estimate: intermediate results. */
  activations: number | null;
  /** The sum of all. */
  total: number;
}

/** What memory was computed for. */
export interface MemorySettings {
  /** In pixels. Default 1024. */
  height: number;
  /** In pixels. Default 1024. */
  width: number;
  /** Pictures at a time. Default 1. */
  batch: number;
  /** Tokens of a prompt. Default 512. */
  textTokens: number;
  /** Rank of the adapters. Default 64. */
  rank: number;
  /** The layers that get an adapter, as `addLora` takes them. Default `'all-linear'`. */
  targetModules: string | readonly string[];
  /** Whether a moving average of the trained parameters is kept. Default false. */
  average: boolean;
  /** What transformer and text encoders are loaded in. Default `float32`. */
  dtype: ModelDtype;
}

/** Memory in bytes, as this library loads and trains it. */
export interface MemoryReport extends MemorySettings {
  inference: MemoryNeed;
  /** Training of new adapters on the transformer; null when the model has none that is known. */
  lora: (MemoryNeed & { layers: number; parameters: number }) | null;
  /** Training of the transformer itself; null with `dtype: 'bfloat16'`, whose weights are not trained. */
  full: MemoryNeed | null;
}

/** What `inspectModel` returns: plain data that shows itself as a table in a notebook. */
export interface ModelReport {
  /** What was asked for. */
  path: string;
  kind: 'pipeline' | 'component' | 'lora' | 'weights';
  /** `_class_name` of model_index.json; null for anything but a pipeline. */
  className: string | null;
  components: ComponentReport[];
  /** Of an adapter's file or folder. */
  lora: LoraReport | null;
  memory: MemoryReport;
}

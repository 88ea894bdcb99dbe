import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readNotebook } from '@flowbook/kernel-extensions';
import {
  QwenImageTransformer2DModel,
  Qwen2Tokenizer,
  loadPrompts,
  openModelDirectory,
  readImage,
  readParquet,
  readRunLog,
  readRunPictures,
  readRunRecord,
  readSafetensors,
  tf,
} from '@flowbook/sdk';
import { readStateDict } from '../../../sdk/src/io/state-dict';
import { readCheckpointInfo } from '../../../sdk/src/training/run/checkpoint-info';
import { setupModule } from '../../setup/setup-module';
import { zipFile } from '../../setup/zip-file';
import { CHECKPOINT_STATE } from '../checkpoint-state';
import { RUN_PICTURE, RUN_RECORD } from '../run-record';

const MODELS = 'test/golden/models';

/** A kind of file: one that is whole, and what reads it. */
export interface Target {
  /** A file to mutate, and its folder, which is copied where the reader needs what is beside it. */
  seed: string;
  /** The file's name where it is not the seed's. */
  name?: string;
  withFolder?: boolean;
  /** What is mutated in place of the file itself. */
  made?(seed: Buffer): Buffer;
  read(path: string, folder: string): unknown;
}

const LOG = [
  { step: 1, seconds: 0.5, reward: 0.25, diversity: null },
  { step: 1, alarm: { step: 1, name: 'not-finite', symptom: 'a', cause: 'b', action: 'c' } },
  { step: 2, seconds: 1, reward: 0.5 },
];

function drop(tensors: Map<string, tf.Tensor>): void {
  tf.dispose([...tensors.values()]);
}

/** Everything that is read from others. */
export const TARGETS: Readonly<Record<string, Target>> = {
  safetensors: {
    seed: `${MODELS}/tiny-qwen-image-lora-r2-alpha2-qv/pytorch_lora_weights.safetensors`,
    read: (path) => drop(readSafetensors(path)),
  },
  'safetensors index': {
    seed: `${MODELS}/tiny-qwen-image-sharded/transformer/diffusion_pytorch_model.safetensors.index.json`,
    withFolder: true,
    read: (_path, folder) => drop(readStateDict(folder)),
  },
  'model index': {
    seed: `${MODELS}/tiny-qwen-image/model_index.json`,
    read: (_path, folder) => openModelDirectory(folder),
  },
  config: {
    seed: `${MODELS}/tiny-qwen-image/transformer/config.json`,
    withFolder: true,
    read: (_path, folder) => QwenImageTransformer2DModel.fromPretrained(folder).dispose(),
  },
  tokenizer: {
    seed: `${MODELS}/tiny-qwen-image/tokenizer/tokenizer.json`,
    withFolder: true,
    read: (_path, folder) => Qwen2Tokenizer.fromPretrained(folder).encode('a red circle'),
  },
  'tokenizer config': {
    seed: `${MODELS}/tiny-qwen-image/tokenizer/tokenizer_config.json`,
    withFolder: true,
    read: (_path, folder) =>
      Qwen2Tokenizer.fromPretrained(folder).applyChatTemplate([{ role: 'user', content: 'a fox' }]),
  },
  notebook: { seed: 'notebooks/00-the-flow.ipynb', read: (path) => readNotebook(path) },
  parquet: {
    seed: 'datasets/shapes/held-out.parquet',
    read: (path) => readParquet(path, { timeoutMs: 5_000 }),
  },
  jsonl: { seed: 'datasets/shapes/held-out.jsonl', read: (path) => loadPrompts(path) },
  'zip bundle': {
    seed: 'package.json',
    made: (data) =>
      zipFile([
        { name: 'a/package.json', data },
        { name: 'a/stored.json', data: data.subarray(0, 50), isStored: true },
        { name: 'b', data: Buffer.alloc(5_000) },
      ]),
    read: async (path, folder) => {
      const { unpackWheel } = await setupModule('wheel.mjs');
      await unpackWheel(path, join(folder, 'unpacked'), (name: string) => name);
    },
  },
  checkpoint: {
    seed: 'package.json',
    name: 'state.json',
    made: () => Buffer.from(JSON.stringify(CHECKPOINT_STATE)),
    read: (_path, folder) => readCheckpointInfo(folder),
  },
  'log of a run': {
    seed: 'package.json',
    name: 'log.jsonl',
    made: () => Buffer.from(LOG.map((row) => `${JSON.stringify(row)}\n`).join('')),
    read: (_path, folder) => readRunLog(folder),
  },
  'record of a run': {
    seed: 'package.json',
    name: 'run.json',
    made: () => Buffer.from(JSON.stringify(RUN_RECORD)),
    read: (_path, folder) => readRunRecord(folder),
  },
  'pictures of a run': {
    seed: 'package.json',
    name: 'pictures/index.jsonl',
    made: () =>
      Buffer.from([RUN_PICTURE, RUN_PICTURE].map((row) => `${JSON.stringify(row)}\n`).join('')),
    read: (_path, folder) => readRunPictures(folder),
  },
  image: { seed: 'docs/flow-grpo.png', read: (path) => readImage(path) },
};

/** A whole file of a kind. */
export function wholeInput(name: string): Buffer {
  const { seed, made = (bytes) => bytes } = TARGETS[name];
  return made(readFileSync(seed));
}

/** Puts a mutated file where its reader finds it. @returns Its path and its folder. */
export function placeInput(
  folder: string,
  name: string,
  bytes: Uint8Array,
): { path: string; inner: string } {
  const { seed, name: file = basename(seed), withFolder = false } = TARGETS[name];
  const inner = join(folder, name.replaceAll(' ', '-'));
  const path = join(inner, file);
  if (withFolder) cpSync(join(seed, '..'), inner, { recursive: true });
  else mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return { path, inner };
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyFiles } from './component-files';
import { resolveComponentPath } from './model-directory';
import { readJsonObject } from './read-json';

/** What a tokenizer's folder holds, parsed but not yet judged; null where a file is missing. */
export interface TokenizerFiles {
  /** The folder that was read. */
  directory: string;
  /** tokenizer.json: the whole definition. */
  definition: Record<string, unknown> | null;
  /** tokenizer_config.json; empty when there is none. */
  config: Record<string, unknown>;
  /** vocab.json: token -> id. */
  vocab: Record<string, number> | null;
  /** merges.txt: one pair a line, best first. */
  merges: [string, string][] | null;
  /** added_tokens.json: token -> id. */
  addedTokens: Record<string, number> | null;
  /** chat_template.jinja. */
  chatTemplate: string | null;
}

/**
 * Reads a tokenizer's files, from its own folder or from a pipeline's.
 *
 * @param component The folder in a pipeline. Default `tokenizer`.
 * @throws When neither tokenizer.json nor vocab.json with merges.txt is there; the message lists
 *   what is.
 */
export function readTokenizerFiles(path: string, component = 'tokenizer'): TokenizerFiles {
  const directory = resolveComponentPath(path, component);
  const files: TokenizerFiles = {
    directory,
    definition: readJson(directory, 'tokenizer.json'),
    config: readJson(directory, 'tokenizer_config.json') ?? {},
    vocab: readJson(directory, 'vocab.json'),
    merges: readMerges(directory),
    addedTokens: readJson(directory, 'added_tokens.json'),
    chatTemplate: readText(directory, 'chat_template.jinja'),
  };
  if (files.definition === null && (files.vocab === null || files.merges === null)) {
    const found = existsSync(directory) ? readdirSync(directory).join(', ') : 'no such folder';
    throw new Error(
      `Cannot load a tokenizer as "${directory}" must hold tokenizer.json, or vocab.json and merges.txt: current value is ${found || 'an empty folder'}`,
    );
  }
  return files;
}

/** Files that a tokenizer may consist of. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'vocab.txt',
  'spiece.model',
  'tokenizer.model',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
];

/** Copies a tokenizer's files, as they are, into another folder. */
export function copyTokenizerFiles(source: string, target: string): void {
  copyFiles(source, target, TOKENIZER_FILES);
}

function readText(directory: string, name: string): string | null {
  const path = join(directory, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function readJson<Value>(directory: string, name: string): Value | null {
  const path = join(directory, name);
  return existsSync(path) ? (readJsonObject(path) as Value) : null;
}

/** A merge may itself begin with "#", so only the version line, which is the first, is left out. */
function readMerges(directory: string): [string, string][] | null {
  const text = readText(directory, 'merges.txt');
  if (text === null) return null;
  return text
    .split(/\r?\n/)
    .filter((line, index) => line !== '' && !(index === 0 && line.startsWith('#version')))
    .map((line) => line.split(' ', 2) as [string, string]);
}

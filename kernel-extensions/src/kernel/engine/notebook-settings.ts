import { readFileSync } from 'node:fs';

/** The kernel that a notebook was written for; jslab is tslab for JavaScript. */
export type Dialect = 'flowbook' | 'tslab' | 'jslab' | 'deno' | 'javascript';

/** What becomes of a cell with type errors: it is stopped, it runs after a warning, or nobody looks. */
export type TypeCheck = 'error' | 'warn' | 'off';

export interface NotebookSettings {
  dialect: Dialect;
  typecheck: TypeCheck;
  /** Whether TypeScript is strict; null leaves it to a tsconfig.json, and is true without one. */
  strict: boolean | null;
  /** What is wrong with the settings, to be shown to the user. */
  problems: string[];
}

interface NotebookMetadata {
  flowbook?: unknown;
  kernelspec?: { name?: unknown; language?: unknown };
  language_info?: { name?: unknown; mimetype?: unknown };
}

/** What `flowbook` in a notebook's metadata may hold. */
interface OwnMetadata {
  dialect?: unknown;
  typecheck?: unknown;
  strict?: unknown;
}

const DIALECTS = ['flowbook', 'tslab', 'jslab', 'deno', 'javascript'];
const TYPE_CHECKS = ['error', 'warn', 'off'];

/** Each kernel's own habits: tslab checks types without `strict`, the others need not check any. */
const HABITS: Record<Dialect, Pick<NotebookSettings, 'typecheck' | 'strict'>> = {
  flowbook: { typecheck: 'error', strict: null },
  tslab: { typecheck: 'error', strict: false },
  jslab: { typecheck: 'off', strict: false },
  deno: { typecheck: 'off', strict: null },
  javascript: { typecheck: 'off', strict: false },
};

/** Reads the settings from a notebook's file; a file that is none, or not there, leaves the defaults. */
export function readNotebookSettings(file: string | undefined): NotebookSettings {
  if (!file?.endsWith('.ipynb')) return settingsOf({});
  try {
    const { metadata } = JSON.parse(readFileSync(file, 'utf8')) as { metadata?: NotebookMetadata };
    return settingsOf(metadata ?? {});
  } catch {
    return settingsOf({}); // whoever opened the notebook has said what is wrong with the file
  }
}

/** The settings that a notebook's metadata ask for. */
export function settingsOf(metadata: NotebookMetadata): NotebookSettings {
  const problems: string[] = [];
  const wrong = (key: string, rule: string, value: unknown) =>
    problems.push(
      `Cannot use the notebook's metadata as ${key} must be ${rule}: current value is ${JSON.stringify(value)}`,
    );
  const { flowbook = {} } = metadata;
  const isObject = typeof flowbook === 'object' && flowbook !== null;
  if (!isObject) wrong('flowbook', 'an object', flowbook);
  const { dialect: asked, typecheck, strict } = (isObject ? flowbook : {}) as OwnMetadata;
  const isKnown = DIALECTS.includes(asked as string);
  if (asked !== undefined && !isKnown)
    wrong('flowbook.dialect', '"flowbook", "tslab", "jslab", "deno" or "javascript"', asked);
  const dialect = isKnown ? (asked as Dialect) : dialectOf(metadata);
  const settings: NotebookSettings = { dialect, ...HABITS[dialect], problems };
  if (TYPE_CHECKS.includes(typecheck as string)) settings.typecheck = typecheck as TypeCheck;
  else if (typecheck !== undefined)
    wrong('flowbook.typecheck', '"error", "warn" or "off"', typecheck);
  if (typeof strict === 'boolean') settings.strict = strict;
  else if (strict !== undefined) wrong('flowbook.strict', 'true or false', strict);
  return settings;
}

function dialectOf({ kernelspec, language_info: language }: NotebookMetadata): Dialect {
  const name = text(kernelspec?.name);
  if (name === 'flowbook') return 'flowbook';
  if (name === 'deno') return 'deno';
  if (name === 'tslab' || name === 'jslab') return name;
  // tslab under another name: it alone calls its cells so
  if (text(language?.mimetype) === 'text/typescript' && name.includes('typescript')) return 'tslab';
  const languages = [kernelspec?.language, language?.name, kernelspec?.name].map(text);
  if (languages.some((one) => /^(javascript|nodejs|node)/.test(one))) return 'javascript';
  // ITypescript's kernel: ijavascript's habits with types that nobody checks
  return name === 'typescript' || name === 'itypescript' ? 'javascript' : 'flowbook';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : '';
}

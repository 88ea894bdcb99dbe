import type { Notebook } from './notebook';
import { NotebookFormatError } from './notebook-file';

/**
 * Refuses a notebook whose metadata say that its cells are in a language that Flowbook does not run; one that says nothing is taken.
 *
 * @throws NotebookFormatError with the language.
 */
export function requireLanguage({ metadata }: Notebook, file: string): void {
  const { kernelspec, language_info: info } = metadata as {
    kernelspec?: { language?: unknown };
    language_info?: { name?: unknown };
  };
  const language = info?.name ?? kernelspec?.language;
  if (typeof language !== 'string' || /^(type|java)script$/i.test(language)) return;
  throw new NotebookFormatError(
    `Cannot take ${file} as its language must be typescript or javascript: current value is ${language}`,
  );
}

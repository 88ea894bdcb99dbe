import type { Options } from 'prettier';

const houseStyle: Options = { printWidth: 100, singleQuote: true, trailingComma: 'all' };

/**
 * Formats a script by prettier: with the settings that hold for its file, else in the style of this
 * project. What is formatted already stays as it is.
 *
 * @param file where the script will be; decides settings and dialect (`.ts`, `.mts`).
 */
export async function formatScript(text: string, file: string): Promise<string> {
  const prettier = await import('prettier');
  const settings = await prettier.resolveConfig(file, { editorconfig: true });
  return await prettier.format(text, { ...(settings ?? houseStyle), filepath: file });
}

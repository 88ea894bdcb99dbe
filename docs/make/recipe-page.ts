import { readNotebook } from '@flowbook/kernel-extensions';

/** A recipe as a page: its text, its cells as code, without outputs. */
export function recipePage(file: string): string {
  const parts = readNotebook(file).cells.map(({ cell_type, source }) => {
    const text = source.trim();
    return cell_type === 'code' ? `\`\`\`ts\n${text}\n\`\`\`` : text;
  });
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

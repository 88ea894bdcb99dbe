import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A link from a page into the repository that leads nowhere. */
export interface BrokenLink {
  page: string;
  target: string;
}

const LINK = /(\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?(\))/g;

/** Where links of a page lead, as paths from the repository's root. Links to the web are not among them. */
export function linkedFiles(page: string, text: string): string[] {
  return [...withoutCode(text).matchAll(LINK)].map((match) => join(dirname(page), match[2]));
}

/** Links of pages whose file is not there. */
export function brokenLinks(root: string, pages: ReadonlyMap<string, string>): BrokenLink[] {
  return [...pages].flatMap(([page, text]) =>
    linkedFiles(page, text)
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => ({ page, target })),
  );
}

/** The text with links to notebooks leading to the pages that are made of them. */
export function linkPages(text: string): string {
  return text.replace(LINK, (_, open, path, anchor = '', close) =>
    [open, String(path).replace(/\.ipynb$/, '.md'), anchor, close].join(''),
  );
}

/** Code shows brackets that are no links. */
function withoutCode(text: string): string {
  return text.replace(/^```[^]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

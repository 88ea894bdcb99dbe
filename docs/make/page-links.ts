import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A link from a page into the repository that leads nowhere. */
export interface BrokenLink {
  page: string;
  /** A file, or a page with the `#part` that it has no heading for. */
  target: string;
}

const LINK = /(\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?(\))/g;
const PART_LINK = /\]\((?!https?:|mailto:)([^)\s#]*)#([^)\s]+)\)/g;
const HEADING = /^#{1,6} +(.+?) *$/gm;

/** Where links of a page lead, as paths from the repository's root. Links to the web are not among them. */
export function linkedFiles(page: string, text: string): string[] {
  return [...withoutCode(text).matchAll(LINK)].map((match) => join(dirname(page), match[2]));
}

/** Links of pages whose file is not there, or whose part has no heading in the page that it is said to be in. */
export function brokenLinks(root: string, pages: ReadonlyMap<string, string>): BrokenLink[] {
  return [...pages].flatMap(([page, text]) =>
    [
      ...linkedFiles(page, text).filter((target) => !existsSync(join(root, target))),
      ...missingParts(page, text, pages),
    ].map((target) => ({ page, target })),
  );
}

/** Parts that a page links to and that are in no heading, as `docs/runs.md#alarms`. */
function missingParts(page: string, text: string, pages: ReadonlyMap<string, string>): string[] {
  return [...withoutCode(text).matchAll(PART_LINK)].flatMap(([, path, part]) => {
    const target = path === '' ? page : join(dirname(page), path);
    const linked = pages.get(target);
    return linked === undefined || anchorsOf(linked).has(part) ? [] : [`${target}#${part}`];
  });
}

/** What `#part` may be: headings in small letters, without punctuation, `-` for a space; a second one of a name ends in `-1`. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutBlocks(text).matchAll(HEADING)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    let count = 0;
    while (anchors.has(count === 0 ? anchor : `${anchor}-${count}`)) count++;
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return anchors;
}

/** The text with links to notebooks leading to the pages that are made of them. */
export function linkPages(text: string): string {
  return text.replace(LINK, (_, open, path, anchor = '', close) =>
    [open, String(path).replace(/\.ipynb$/, '.md'), anchor, close].join(''),
  );
}

/** Code shows brackets that are no links. */
function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]*`/g, '');
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[^]*?^```/gm, '');
}

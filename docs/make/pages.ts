import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { linkPages, linkedFiles } from './page-links';
import { recipePage } from './recipe-page';

/** A group of pages as the site lists them. */
export interface PageGroup {
  title: string;
  /** Paths from the repository's root. */
  files: string[];
}

const HEADING = /^# (.+)$/m;

/** Every page of the site but its front page. */
export function pageGroups(root: string): PageGroup[] {
  const below = (folder: string, extension: string) =>
    readdirSync(join(root, folder))
      .filter((name) => extname(name) === extension)
      .sort()
      .map((name) => join(folder, name));
  const dataSets = readdirSync(join(root, 'datasets'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && hasReadme(join(root, 'datasets', entry.name)))
    .map(({ name }) => join('datasets', name, 'README.md'));
  return [
    { title: 'Recipes', files: ['notebooks/README.md', ...below('notebooks', '.ipynb')] },
    { title: 'Guides', files: below('docs', '.md') },
    { title: 'Warnings', files: below('docs/warnings', '.md') },
    { title: 'Data', files: ['datasets/README.md', ...dataSets, 'test/golden/README.md'] },
    {
      title: 'Project',
      files: ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'LOG.md'],
    },
  ];
}

/** The text of each page, front page included, by its path from the repository's root; a recipe's as `recipePage` has it. */
export function readPages(root: string): Map<string, string> {
  const files = ['README.md', ...pageGroups(root).flatMap((group) => group.files)];
  return new Map(
    files.map((file) => [
      file,
      extname(file) === '.ipynb'
        ? recipePage(join(root, file))
        : readFileSync(join(root, file), 'utf8'),
    ]),
  );
}

/** Writes the pages where the generator takes them, laid out as in the repository, with the pictures that they show. */
export function stagePages(root: string, pages: ReadonlyMap<string, string>, folder: string): void {
  const groupOf = new Map(
    pageGroups(root).flatMap(({ title, files }) => files.map((file) => [file, title] as const)),
  );
  for (const [file, text] of pages) {
    for (const target of linkedFiles(file, text)) {
      if (!pages.has(target)) copy(root, target, folder);
    }
    const group = groupOf.get(file);
    // The generator puts its own title above the front page.
    const shown =
      group === undefined
        ? text.replace(HEADING, '')
        : `---\ntitle: ${JSON.stringify(titleOf(file, text))}\ngroup: ${group}\n---\n\n${text}`;
    write(join(folder, pageFile(file)), linkPages(shown));
  }
}

/** The file that the generator takes for a page. */
export function pageFile(file: string): string {
  return file.replace(/\.ipynb$/, '.md');
}

function titleOf(file: string, text: string): string {
  const [, heading = file] = HEADING.exec(text) ?? [];
  return heading;
}

function hasReadme(folder: string): boolean {
  return readdirSync(folder).includes('README.md');
}

function copy(root: string, file: string, folder: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  cpSync(join(root, file), join(folder, file), { recursive: true });
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

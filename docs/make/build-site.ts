import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { brokenLinks } from './page-links';
import { pageFile, pageGroups, readPages, stagePages } from './pages';

/** Folders of sources, one module of the reference each, in the order in which data flows. */
const SDK_MODULES = [
  ...[
    'core',
    'tensorflow',
    'io',
    'config',
    'tokenizers',
    'schedulers',
    'models',
    'rewards',
    'advantages',
  ],
  ...[
    'losses',
    'inspection',
    'pipelines',
    'training',
    'pretraining',
    'rollout-workers',
    'rollout-servers',
  ],
].map((name) => `sdk/src/${name}/index.ts`);

const KERNEL_MODULES = [
  ...['display', 'kernel', 'widgets', 'notebook', 'script', 'runs', 'cluster'],
].map((name) => `kernel-extensions/src/${name}/index.ts`);

/** What the site is made from and where it goes. */
export interface SiteOptions {
  root: string;
  /** Made anew: what it held before goes. */
  folder: string;
}

/**
 * Makes the site of documentation: pages, recipes, and the reference from docstrings.
 *
 * @returns What is wrong with it, in words: links that lead nowhere, references that nobody exports. Empty: nothing.
 */
export async function buildSite({ root, folder }: SiteOptions): Promise<string[]> {
  const pages = readPages(root);
  const broken = brokenLinks(root, pages);
  if (broken.length > 0) {
    return broken.map(
      ({ page, target }) =>
        `${page}: no such ${target.includes('#') ? 'heading' : 'file'} as ${target}`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  const staged = join(folder, 'pages');
  stagePages(root, pages, staged);

  const { Application, LogLevel } = await import('typedoc');
  const { katex } = await import('@mdit/plugin-katex');
  const app = await Application.bootstrap({
    name: 'Flowbook',
    entryPoints: [...SDK_MODULES, ...KERNEL_MODULES].map((file) => join(root, file)),
    tsconfig: join(root, 'tsconfig.json'),
    basePath: root,
    readme: join(staged, 'README.md'),
    projectDocuments: pageGroups(root).flatMap(({ files }) =>
      files.map((file) => join(staged, pageFile(file))),
    ),
    groupOrder: [...pageGroups(root).map(({ title }) => title), '*'],
    navigation: { includeGroups: true, includeCategories: false, includeFolders: true },
    sort: ['source-order'],
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    disableSources: true,
    hideGenerator: true,
    skipErrorChecking: true,
    // MathML needs neither a style sheet nor fonts: browsers draw it.
    markdownItLoader: (parser: Parameters<typeof katex>[0]) =>
      parser.use(katex, { output: 'mathml' }),
    validation: { invalidLink: true, invalidPath: true, notExported: false, notDocumented: false },
    logLevel: LogLevel.Warn,
  });
  const problems: string[] = [];
  app.logger.log = (message, level) => {
    if (level >= LogLevel.Warn && !isAboutParameter(message)) problems.push(message);
  };
  const project = await app.convert();
  if (project === undefined) return problems;
  app.validate(project);
  const output = join(folder, 'html');
  await app.generateDocs(project, output);
  if (!existsSync(join(output, 'index.html'))) problems.push('the generator wrote no index.html');
  return problems;
}

/** Options of a named type and overloads are documented once, where a caller reads them; the generator looks for their names. */
function isAboutParameter(message: string): boolean {
  return /has an @param with name .*, which was not used/.test(message);
}

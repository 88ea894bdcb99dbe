const { readdirSync } = require('node:fs');

/** Doors of their own for what imports no package: displays and the kernel's server must not load TensorFlow. */
const SMALL_DOORS =
  'core/(environment-choice|format-bytes|option-rules|process-identity|sign-of-life)\\.(ts|js|d\\.ts)$';

/** The sdk's folders, lowest first: imports point one way, and neighbours do not know each other. See ARCHITECTURE.md. */
const sdkLayers = [
  ['core'],
  ['tensorflow'],
  ['io'],
  ['config'],
  ['tokenizers', 'schedulers', 'models', 'rewards', 'advantages', 'losses'],
  ['inspection'],
  ['pipelines'],
  ['training'],
  ['pretraining'],
  ['rollout-workers'],
  ['rollout-servers'],
];

/** The same of kernel-extensions. */
const kernelLayers = [
  ['display', 'run-folder', 'setup'],
  ['kernel'],
  ['widgets', 'notebook'],
  ['script'],
  ['export', 'launch', 'runs'],
  ['sweep'],
  ['cluster'],
  ['commands'],
];

const foldersOf = (source) =>
  readdirSync(source, { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map(({ name }) => name);

const forbidden = [
  { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'sdk-does-not-know-the-kernel',
    severity: 'error',
    from: { path: '^sdk/' },
    to: { path: '^kernel-extensions/' },
  },
  {
    name: 'kernel-extensions-use-the-public-door',
    severity: 'error',
    from: { path: '^kernel-extensions/src' },
    to: { path: '^sdk/src/(?!index\\.ts$)', pathNot: SMALL_DOORS },
  },
  {
    name: 'displays-use-sdk-types-only',
    severity: 'error',
    from: { path: '^kernel-extensions/src/display' },
    to: { path: '^sdk/', pathNot: SMALL_DOORS, dependencyTypesNot: ['type-only'] },
  },
];

for (const [source, layers] of [
  ['sdk/src', sdkLayers],
  ['kernel-extensions/src', kernelLayers],
]) {
  const unlisted = foldersOf(source).filter((name) => !layers.flat().includes(name));
  if (unlisted.length > 0) {
    throw new Error(
      `Cannot check imports as each folder of ${source} must have its place among the layers: ${unlisted.join(', ')} has none`,
    );
  }
  layers.forEach((names, level) => {
    const above = layers.slice(level + 1).flat();
    for (const name of names) {
      const siblings = names.filter((other) => other !== name);
      const banned = [...above, ...siblings];
      if (banned.length === 0) continue;
      forbidden.push({
        name: `${name}-looks-down-only`,
        severity: 'error',
        from: { path: `^${source}/${name}/` },
        to: { path: `^${source}/(${banned.join('|')})/` },
      });
    }
  });
}

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
  },
};

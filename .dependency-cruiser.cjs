/** Doors of their own for what imports no package: displays must not load TensorFlow. */
const SMALL_DOORS = 'core/(format-bytes|option-rules)\\.(ts|js|d\\.ts)$';

/** Imports point one way; see the picture in ARCHITECTURE.md. */
const layers = [
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

layers.forEach((names, level) => {
  const above = layers.slice(level + 1).flat();
  for (const name of names) {
    const siblings = names.filter((other) => other !== name);
    const banned = [...above, ...siblings];
    if (banned.length === 0) continue;
    forbidden.push({
      name: `${name}-looks-down-only`,
      severity: 'error',
      from: { path: `^sdk/src/${name}/` },
      to: { path: `^sdk/src/(${banned.join('|')})/` },
    });
  }
});

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
  },
};

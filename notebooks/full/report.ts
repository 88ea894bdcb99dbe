import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROMPT_KINDS } from '@flowbook/sdk';
import { readClaims, testClaim, withOutcome, type Claim, type TestedClaim } from './claims';
import { RESULTS, ROOT } from './places';
import { recipeName } from './recipe';
import { FULL_RUNS } from './recipes';
import { reportNotes } from './report-notes';
import { readResult, type RecipeResult } from './result';

const CLAIMS = 'claims.json';

/** Where the report stands. */
export const REPORT = join(ROOT, 'docs', 'results.md');

/** What a report is made from. */
export interface Measured {
  results: readonly RecipeResult[];
  claims: readonly Claim[];
  /** Names of the files beside the results, of which curves are shown. */
  files: readonly string[];
}

/** Reads all results that are kept, the claims, and the names of the files beside them. */
export function readMeasured(folder = RESULTS): Measured {
  const files = readdirSync(folder).sort();
  const results = files
    .filter((name) => name.endsWith('.json') && name !== CLAIMS)
    .map((name) => readResult(join(folder, name)));
  const claims = join(folder, CLAIMS);
  return { results, files, claims: existsSync(claims) ? readClaims(claims) : [] };
}

/** Writes docs/results.md anew from what is kept. @returns Its path. */
export function writeReport(): string {
  const measured = readMeasured();
  writeFileSync(REPORT, reportText(measured));
  const claims = measured.claims.map((claim) => withOutcome(testClaim(claim, measured.results)));
  writeFileSync(join(RESULTS, CLAIMS), `${JSON.stringify(claims, null, 2)}\n`);
  return REPORT;
}

/** docs/results.md: the claims with what became of them and what they leave open, then a table a recipe. */
export function reportText({ results, claims, files }: Measured): string {
  const place = (recipe: string) => [recipe.slice(0, 2), comparisonOf(recipe) ?? '', recipe].join();
  const recipes = [...new Set([...results, ...claims].map(({ recipe }) => recipe))].sort(
    (one, other) => place(one).localeCompare(place(other)),
  );
  const sections = recipes.map((recipe) => {
    const own = results
      .filter((result) => result.recipe === recipe)
      .sort((one, other) => one.seed - other.seed);
    return recipeSection(recipe, own, files);
  });
  const tested = claimsSection(claims.map((claim) => testClaim(claim, results)));
  return `${[HEAD, tested, ...reportNotes(), ...sections].join('\n\n')}\n`;
}

const HEAD = `# Results

Made by \`npm run recipes -- --report\` from \`notebooks/results\`. A full run of a recipe is
\`npm run recipes -- --full --only NN --seeds 1,2,3\`; \`npm run evaluate -- notebooks/results/NN-NAME-seedS.json\` makes
its pictures anew from the weights that were kept.

Accuracy is the share of right pictures of held-out prompts, as the verifier sees it, by ten steps without noise. \`before\` is the
model that training starts from, \`after\` the trained one, \`control\` one that was trained the same way on rewards that say
nothing.`;

function claimsSection(tested: readonly TestedClaim[]): string {
  const rows = tested.map(({ claim, verdict, values }) => [
    claim.recipe,
    claim.claim,
    `\`${claim.metric}\` ≥ ${claim.threshold}`,
    values.map((value) => (value === null ? '-' : shown(value))).join(', '),
    verdict,
  ]);
  return [
    '## Claims',
    'Each claim was written down before the runs that decide it; one that compares with another result, before that result was made. A claim holds only if it holds for each of three seeds.',
    table(['recipe', 'claim', 'measured by', 'by seed', ''], rows),
  ].join('\n\n');
}

const comparisonOf = (recipe: string) =>
  FULL_RUNS.find((one) => recipeName(one) === recipe)?.comparison;

function recipeSection(
  recipe: string,
  results: readonly RecipeResult[],
  files: readonly string[],
): string {
  const comparison = comparisonOf(recipe);
  if (results.length === 0) return `## ${recipe}\n\nNot run yet.`;
  const kinds = PROMPT_KINDS.filter((kind) => results.some((result) => kind in result.kinds));
  const rows = results.map((result) => [
    String(result.seed),
    share(result.before),
    share(result.after),
    result.control === null ? (comparison ? '-' : 'not run yet') : share(result.control),
    result.seconds.toFixed(0),
    ...kinds.map((kind) => change(result.kinds[kind])),
  ]);
  const curves = results
    .map(({ seed }) => `${recipe}-seed${seed}.png`)
    .filter((name) => files.includes(name));
  return [
    `## ${recipe}`,
    ...(comparison === undefined
      ? []
      : [`A comparison, without a control of its own. ${comparison}.`]),
    table(
      ['seed', 'before', 'after', 'control', 'seconds', ...kinds],
      results.length > 1 ? [...rows, meanRow(results, kinds)] : rows,
    ),
    `Each figure is of ${[...new Set(results.map(({ pictures }) => pictures))].join(' or ')} pictures.`,
    ...curves.map((name) => `![${name.replace('.png', '')}](../notebooks/results/${name})`),
  ].join('\n\n');
}

function meanRow(results: readonly RecipeResult[], kinds: readonly string[]): string[] {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const controls = results.flatMap(({ control }) => (control === null ? [] : [control]));
  return [
    'mean',
    share(mean(results.map(({ before }) => before))),
    share(mean(results.map(({ after }) => after))),
    controls.length < results.length ? '' : share(mean(controls)),
    mean(results.map(({ seconds }) => seconds)).toFixed(0),
    ...kinds.map((kind) => {
      const of = results.flatMap(({ kinds: { [kind]: one } }) => (one ? [one] : []));
      return change({
        before: mean(of.map(({ before }) => before)),
        after: mean(of.map(({ after }) => after)),
      });
    }),
  ];
}

const share = (value: number) => value.toFixed(3);
const shown = (value: number) => String(Number(value.toPrecision(3)));
const change = (kind: { before: number; after: number } | undefined) =>
  kind === undefined ? '' : `${share(kind.before)} → ${share(kind.after)}`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkCase, hasChecker } from '../golden/check-case';
import { GoldenCase, type CaseResult } from '../golden/golden-case';
import { isLong, runResumably } from '../long-run';
import { referencePython } from './reference-python';

const models = join(__dirname, '../golden/models');
/** Cases that failed once, as `family/seed`: they are tried first, for good. */
const keptFile = join(__dirname, 'differential/kept-seeds.json');
const COUNT = isLong ? 400 : 40;

/** Families for which random cases can be made: those with a Python module and a checker. */
const families = readdirSync(join(__dirname, 'differential'))
  .filter((name) => name.endsWith('.py'))
  .map((name) => name.slice(0, -3))
  .filter(hasChecker)
  .sort();

const kept = JSON.parse(readFileSync(keptFile, 'utf8')) as string[];

/** The families take turns. */
const drawn = Array.from(
  { length: COUNT },
  (_, k) => `${families[k % families.length]}/${Math.floor(k / families.length)}`,
);

describe('random configurations, in the reference and here', function () {
  this.timeout(0);
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-differential-'));
    symlinkSync(models, join(folder, 'models'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Makes the case of a family and a seed in Python and checks it; keeps the seed when it fails. */
  async function tryCase(id: string): Promise<CaseResult> {
    const [family, seed] = id.split('/');
    const python = await referencePython();
    const file = await python.call<string>('differential.case_file.write', {
      family,
      seed: Number(seed),
      folder,
    });
    const result = await checkCase(new GoldenCase(folder, file));
    for (const made of ['cases', 'made'])
      rmSync(join(folder, made), { recursive: true, force: true });
    if (result.status === 'failed' && !kept.includes(id)) {
      kept.push(id);
      writeFileSync(keptFile, `${JSON.stringify(kept, null, 2)}\n`);
    }
    return result;
  }

  it(`agree: ${COUNT} of ${families.length} families, after those that failed once`, async () => {
    const ids = [...new Set([...kept, ...drawn])];
    const results = await runResumably('differential', ids, tryCase);
    const failures = Object.entries(results)
      .filter(([, { status }]) => status !== 'passed')
      .map(([id, { status, detail }]) => `${id} ${status}: ${detail}`);
    assert.deepEqual(failures, []);
  });
});

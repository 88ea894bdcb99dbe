import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parseAllDocuments } from 'yaml';
import { packagesFolder } from '@flowbook/kernel-extensions';
import schema from './rayjob-schema.json';

const FLOWBOOK = join(__dirname, '../../../kernel-extensions/bin/flowbook.mjs');

interface RayJob {
  metadata: { name: string };
  spec: {
    entrypoint: string;
    rayClusterSpec: { workerGroupSpecs?: { replicas: number }[] };
  };
}

describe('flowbook submit --on kuberay', function () {
  this.timeout(120_000);
  const isRayJob = new Ajv().compile(schema);
  let folder: string;
  let volume: string[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-kuberay-'));
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(
      join(folder, 'run.mjs'),
      "console.log(process.argv.slice(2).join(' '), process.env.FLOWBOOK_RUN_DIR)",
    );
    volume = ['--image', 'example/flowbook:1', '--claim', 'shared', '--mount', folder];
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function submit(...flags: string[]) {
    const words = [FLOWBOOK, 'submit', 'run.mjs', '--on', 'kuberay', ...flags];
    return spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
  }

  function rayJobs(manifest: string): RayJob[] {
    const all = parseAllDocuments(manifest).map((document) => document.toJS() as RayJob);
    for (const one of all) assert.ok(isRayJob(one), JSON.stringify(isRayJob.errors));
    return all;
  }

  it('prints manifests that KubeRay’s schema takes, a run each, and writes nothing', () => {
    const flags = ['--dry-run', '--each', 'lr=1..12', '--workers', '2', '--processors', '0.5'];
    const out = join(folder, 'runs', 'An experiment of many words, which has a long name');
    const { status, stdout, stderr } = submit(...volume, ...flags, '--out', out);
    assert.equal(status, 0, stderr);
    const jobs = rayJobs(stdout);
    const names = jobs.map(({ metadata }) => metadata.name);
    assert.equal(new Set(names).size, 12);
    assert.equal(names[11], 'flowbook-an-experiment-of-many-words-which-h-12');
    assert.equal(jobs[0].spec.rayClusterSpec.workerGroupSpecs?.[0].replicas, 2);
    // KubeRay hands it to a shell as it is.
    assert.equal(jobs[1].spec.entrypoint, `sh '${join(out, 'bundle/.rayjob-2.sh')}'`);
    assert.equal(existsSync(join(folder, 'runs')), false);
  });

  it('is held against a schema that refuses what KubeRay does not know', () => {
    const { stdout } = submit(...volume, '--dry-run');
    const [job] = rayJobs(stdout);
    assert.ok(!isRayJob({ ...job, spec: { ...job.spec, retries: 3 } }));
    assert.ok(!isRayJob({ ...job, metadata: { name: '1-begins-with-a-digit' } }));
    assert.equal(job.spec.rayClusterSpec.workerGroupSpecs, undefined);
  });

  it('writes bundle, manifest and entrypoint, which goes on from its checkpoint the second time', () => {
    const out = join(folder, 'runs', 'one');
    const packages = ['--packages', packagesFolder()];
    const { status, stdout, stderr } = submit(...volume, ...packages, '-p', 'a=1 2', '--out', out);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, `kubectl apply -f ${join(out, 'rayjob.yaml')}\n`);
    const [job] = rayJobs(readFileSync(join(out, 'rayjob.yaml'), 'utf8'));
    assert.equal(job.metadata.name, 'flowbook-one');
    const run = () => spawnSync('sh', ['-c', job.spec.entrypoint], { encoding: 'utf8' }).stdout;
    assert.equal(run(), `--a=1 2 ${out}\n`);
    assert.equal(run(), `--a=1 2 --resume auto ${out}\n`);
  });

  it('exits with 2 where something is missing, or runs would not lie on the volume', () => {
    const incomplete = submit('--image', 'x', '--dry-run');
    assert.equal(incomplete.status, 2);
    assert.match(
      incomplete.stderr,
      /^Cannot make a RayJob as --image, --claim and --mount must be given: current values are x, none, none$/m,
    );
    const elsewhere = submit(...volume, '--dry-run', '--out', '/elsewhere');
    assert.equal(elsewhere.status, 2);
    assert.match(
      elsewhere.stderr,
      /^Cannot make a RayJob as --out must lie on the volume, below /m,
    );
  });
});

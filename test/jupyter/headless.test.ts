import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../setup/temporary-folder';
import { FlowbookProcess } from './flowbook-process';

describe('flowbook lab --headless', function () {
  // A Jupyter server and a kernel each.
  this.timeout(240_000);
  const folder = temporaryFolder();

  function writeNotebook(name: string, ...sources: string[]): void {
    const cells = sources.map((source, index) => ({
      cell_type: 'code',
      id: `c${index + 1}`,
      metadata: index === 0 ? { tags: ['parameters'] } : {},
      execution_count: null,
      outputs: [],
      source,
    }));
    const metadata = {
      kernelspec: {
        name: 'flowbook',
        display_name: 'TypeScript (Flowbook)',
        language: 'typescript',
      },
    };
    mkdirSync(join(folder.path, 'notebooks'), { recursive: true });
    writeFileSync(
      join(folder.path, 'notebooks', `${name}.ipynb`),
      JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }),
    );
  }

  /** Runs the notebook of that name; gives the exit code, what was printed, and the run's folder. */
  async function run(name: string, ...parameters: string[]) {
    return runIn({}, name, ...parameters);
  }

  async function runIn(environment: NodeJS.ProcessEnv, name: string, ...parameters: string[]) {
    const command = ['lab', '--headless', name, ...parameters];
    const flowbook = new FlowbookProcess(command, folder.path, environment);
    const code = await flowbook.ended;
    const runs = join(folder.path, 'runs');
    const found = existsSync(runs) ? readdirSync(runs).filter((one) => one.includes(name)) : [];
    const runFolder = join(runs, found.at(-1) ?? '');
    const read = (file: string) => readFileSync(join(runFolder, file), 'utf8');
    const { stdout, stderr } = flowbook;
    return { code, stdout, stderr, runFolder, found, read };
  }

  it('--headless writes the executed notebook and log.jsonl into runs/, and ends with 0', async () => {
    writeNotebook(
      '01-small-loop',
      'const steps: number = 3;',
      `import { appendFileSync } from 'node:fs';
for (let step = 1; step <= steps; step++) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  const line = JSON.stringify({ step, seconds: 0.01, reward: step / 10 });
  appendFileSync(process.env.FLOWBOOK_RUN_DIR + '/log.jsonl', line + '\\n');
  console.log('step', step);
}`,
      `import { readdirSync } from 'node:fs';
readdirSync('.').includes('01-small-loop.ipynb')`,
    );
    const { code, stdout, stderr, found, read } = await run('small-loop', '-p', 'steps=2');
    assert.equal(code, 0, stderr);
    assert.match(found[0], /^\d{8}-\d{6}-01-small-loop$/);
    assert.equal(stdout, 'step 1\nstep 2\n');
    assert.match(stderr, /^Wrote runs\/[^/]+\/01-small-loop\.ipynb$/m);
    const { state, exitCode, parameters } = JSON.parse(read('script.json'));
    assert.deepEqual([state, exitCode, parameters], ['done', 0, { steps: 2 }]);
    assert.equal(read('printed.jsonl'), '{"cell":"c2","text":"step 1\\nstep 2\\n"}\n');
    assert.match(read('index.html'), /step 1/);
    assert.equal(
      read('log.jsonl'),
      '{"step":1,"seconds":0.01,"reward":0.1}\n{"step":2,"seconds":0.01,"reward":0.2}\n',
    );
    const { cells } = JSON.parse(read('01-small-loop.ipynb'));
    assert.deepEqual(
      cells.map((cell: { execution_count: number }) => cell.execution_count),
      [1, 2, 3],
    );
    assert.deepEqual(cells[0].source, ['const steps: number = 2;']);
    assert.deepEqual(cells[1].outputs, [
      { name: 'stdout', output_type: 'stream', text: ['step 1\n', 'step 2\n'] },
    ]);
    assert.deepEqual(cells[2].outputs[0].data['text/plain'], ['true']);
  });

  it('--headless ends with 1 and tells the error of the cell that fails, and saves what ran', async () => {
    writeNotebook(
      '02-fails',
      'const a = 1;',
      "console.log('before');\nthrow new RangeError('no way');",
      '3',
    );
    const { code, stderr, read } = await run('fails');
    assert.equal(code, 1);
    assert.match(stderr, /Error in cell 2 \[c2\]: RangeError: no way\n[^]*line 2/);
    const { cells } = JSON.parse(read('02-fails.ipynb'));
    assert.deepEqual(
      cells[1].outputs.map((output: { output_type: string }) => output.output_type),
      ['stream', 'error'],
    );
    assert.equal(cells[1].outputs[1].ename, 'RangeError');
    assert.deepEqual(cells[2].outputs, []);
  });

  it('--headless saves the notebook when the process of the cells is killed', async () => {
    const kill = "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});";
    writeNotebook('03-dies', "console.log('alive')", kill, '3');
    const { code, stderr, read } = await run('dies');
    assert.equal(code, 1);
    assert.match(stderr, /Error in cell 2 \[c2\]/);
    const { cells } = JSON.parse(read('03-dies.ipynb'));
    assert.deepEqual(cells[0].outputs[0].text, ['alive\n']);
    assert.equal(cells[1].outputs.at(-1).output_type, 'error');
  });

  it('--headless loses no output of a burst', async () => {
    writeNotebook(
      '05-bursts',
      "for (let i = 0; i < 100_000; i++) console.log('line ' + i);",
      "console.log('x'.repeat(4_000_000));",
      'for (let i = 0; i < 3000; i++) { console.log(i); await null; console.error(i); }',
    );
    const { code, stderr, read } = await run('bursts');
    assert.equal(code, 0, stderr);
    const { cells } = JSON.parse(read('05-bursts.ipynb'));
    const printed = (cell: number, name: string) =>
      cells[cell].outputs
        .filter((output: { name: string }) => output.name === name)
        .flatMap((output: { text: string[] }) => output.text)
        .join('');
    const count = (length: number, text: (i: number) => string) =>
      Array.from({ length }, (_, i) => text(i)).join('');
    assert.equal(printed(0, 'stderr'), '', 'the server has nothing to complain of');
    assert.ok(printed(0, 'stdout') === count(100_000, (i) => `line ${i}\n`));
    assert.equal(printed(1, 'stdout').length, 4_000_001);
    assert.ok(printed(2, 'stdout') === count(3000, (i) => `${i}\n`));
    assert.ok(printed(2, 'stderr') === count(3000, (i) => `${i}\n`));
  });

  it('--headless without Jupyter says so and runs through the kernel alone', async () => {
    writeNotebook('04-alone', 'const a: number = 1;', "console.log('a is', a)");
    const empty = { FLOWBOOK_CACHE: join(folder.path, 'empty-cache') };
    const { code, stderr, read } = await runIn(empty, 'alone', '-p', 'a=5');
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^RUNS WITHOUT JUPYTER, which is not set up: through the kernel alone\.$/m,
    );
    const { cells } = JSON.parse(read('04-alone.ipynb'));
    assert.deepEqual(cells[1].outputs[0].text, ['a is 5\n']);
  });

  it('--headless lists the notebooks when none matches', async () => {
    const { code, stderr } = await run('no-such-recipe');
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^Cannot find the notebook "no-such-recipe" as a notebook in .* must match: there are 01-small-loop\.ipynb/,
    );
  });

  it('--headless refuses a parameter that the notebook does not have, by name', async () => {
    const { code, stderr } = await run('small-loop', '-p', 'stepz=2');
    assert.equal(code, 2);
    assert.match(stderr, /Cannot set "stepz" as the notebook's parameters are: steps/);
  });

  it("--headless runs a notebook by its own metadata, of which the server tells the kernel's process", async () => {
    writeNotebook('09-untyped', 'const steps: number = 3;', 'const text: string = steps;\ntext');
    const file = join(folder.path, 'notebooks', '09-untyped.ipynb');
    const notebook = JSON.parse(readFileSync(file, 'utf8')) as { metadata: object };
    const checked = await run('09-untyped');
    assert.equal(checked.code, 1);
    const metadata = { ...notebook.metadata, flowbook: { typecheck: 'off' } };
    writeFileSync(file, JSON.stringify({ ...notebook, metadata }));
    const { code, stderr } = await run('09-untyped');
    assert.equal(code, 0, stderr);
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, printed, resultText, runningKernel } from './running-kernel';

describe('interrupt_request', () => {
  const running = runningKernel();

  before(() => running.kernel.execute('let n = 0; const state = { kept: 42 };'));

  /** Interrupts the cell once it runs; returns its result and how long it went on. */
  async function interrupt(code: string) {
    let begins = () => {};
    const begun = new Promise<void>((settle) => (begins = settle));
    const cell = running.kernel.execute(`console.log('begins');\n${code}`, { onOutput: begins });
    await begun;
    // Past its first statement.
    await pause(100);
    const asked = Date.now();
    await running.kernel.interrupt();
    const result = await cell;
    return { result, ms: Date.now() - asked };
  }

  const loops = {
    'a synchronous loop': 'while (true) n++;',
    'a synchronous loop after an await':
      'await new Promise((settle) => setTimeout(settle, 50)); while (true) n++;',
    'a synchronous loop in a function that catches everything':
      'for (;;) { try { while (true) n++ } catch {} finally {} }',
    'an async loop': 'while (true) { await new Promise((settle) => setTimeout(settle, 5)); n++ }',
    'a promise that never settles': 'await new Promise(() => {})',
  };
  for (const [name, code] of Object.entries(loops)) {
    it(`stops ${name} in under 1.5 s and keeps the session`, async () => {
      const { result, ms } = await interrupt(code);
      assert.equal(result.status, 'error');
      assert.deepEqual(result.error, {
        ename: 'Interrupted',
        evalue: 'the cell was interrupted',
        traceback: ['Interrupted: the cell was interrupted'],
      });
      assert.ok(ms < 1500, `${ms} ms`);
      assert.equal(resultText(await running.kernel.execute('state.kept')), '42');
    });
  }

  const SIGNAL = "(globalThis as any)[Symbol.for('flowbook.cell')].signal as AbortSignal";

  it("fires the cell's signal first, and the cell ends as it likes", async () => {
    const { result } = await interrupt(
      `const signal = ${SIGNAL};\nwhile (!signal.aborted) await new Promise((settle) => setTimeout(settle, 5));\n'ended on its own'`,
    );
    assert.equal(result.status, 'ok');
    assert.equal(resultText(result), 'ended on its own');
  });

  it('has nothing printed of what its signal aborts and nobody waits for', async () => {
    const { result } = await interrupt(
      `import { setTimeout as sleep } from 'node:timers/promises';\nconst signal = ${SIGNAL};\nvoid sleep(60_000, null, { signal });\nvoid new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)));\nwhile (!signal.aborted) await sleep(5);\nawait sleep(50);`,
    );
    assert.equal(printed(result, 'stderr'), '');
  });

  it('is the error of a cell that throws what its signal gives', async () => {
    const { result } = await interrupt(
      `const s = ${SIGNAL};\nfor (;;) { await new Promise((settle) => setTimeout(settle, 5)); s.throwIfAborted() }`,
    );
    assert.equal(result.error?.ename, 'Interrupted');
  });

  it('leaves the names of later cells alone where the cell fails late, types included', async () => {
    await running.kernel.execute('const zed = { a: 1 };');
    const late =
      "await new Promise((settle) => setTimeout(settle, 2000));\nif (n >= 0) throw new Error('late');";
    await interrupt(`${late}\nconst zed = 'text';`);
    await running.kernel.execute('const zed = 5;');
    await pause(2000);
    assert.equal(resultText(await running.kernel.execute('zed.toFixed(1)')), '5.0');
  });

  const stops = {
    'waits for what never settles': 'await new Promise(() => {});',
    'is in a loop': 'while (n >= 0);',
    'goes on all the same': 'await new Promise((settle) => setTimeout(settle, 1500));',
  };
  for (const [name, code] of Object.entries(stops)) {
    it(`leaves the names that a cell has not reached as they were where it ${name}`, async () => {
      await running.kernel.execute('const model = { a: 1 };');
      const { result } = await interrupt(`${code}\nconst model = 'text'; const fresh = 1;`);
      assert.equal(result.error?.ename, 'Interrupted');
      await pause(1500);
      assert.equal(resultText(await running.kernel.execute('model.a')), '1');
      const { error } = await running.kernel.execute('fresh');
      assert.match(
        error?.evalue ?? '',
        /^Cannot read 'fresh' as .*, which declares it, stopped before the declaration$/,
      );
    });
  }

  it('says that it waits for a native call, and when that has ended', async () => {
    const cell = running.kernel.execute(
      "let hasGoneOn = false; require('node:child_process').execSync('sleep 3'); hasGoneOn = true;",
    );
    await pause(700);
    await running.kernel.interrupt();
    const result = await cell;
    assert.equal(result.error?.ename, 'Interrupted');
    assert.match(
      printed(result, 'stderr'),
      /^The interrupt waits for a call into native code.*\nThe wait ended \d+\.\d s after the interrupt\.\n$/,
    );
    assert.equal(resultText(await running.kernel.execute('hasGoneOn')), 'false');
  }).timeout(60_000);

  it('ends a training, and what was learned until then stays', async () => {
    const model = join(__dirname, '../../golden/models/tiny-qwen-image');
    const { error } = await running.kernel.execute(`// @ts-nocheck
import { loadPipeline, trainFlowGRPO } from '@flowbook/sdk';
const pipeline = await loadPipeline(${JSON.stringify(model)},
  { height: 32, width: 32, num_inference_steps: 4, algorithm: 'flow_grpo' });
let done = 0;
const train = (steps) => trainFlowGRPO(pipeline, { prompts: ['a red fox'], reward: 'redness', groupSize: 2,
  steps, compile: false, onStep: () => console.log('step', ++done) });`);
    assert.equal(error, null, error?.traceback.join('\n'));
    let asked = 0;
    const result = await running.kernel.execute(
      '// @ts-nocheck\nconst { log } = await train(100_000); log.length === done',
      {
        onOutput: (output) => {
          if (asked > 0 || output.output_type !== 'stream') return;
          asked = Date.now();
          void running.kernel.interrupt();
        },
      },
    );
    const ms = Date.now() - asked;
    assert.ok(ms < 1500, `${ms} ms`);
    // The training ends by its signal; where one of its parts takes longer than that may, the cell does.
    if (result.status === 'ok') assert.equal(resultText(result), 'true');
    else assert.equal(result.error?.ename, 'Interrupted');
    const after = '// @ts-nocheck\nconst before = done; (await train(1)).log.length';
    assert.equal(resultText(await running.kernel.execute(after)), '1');
    assert.equal(
      resultText(await running.kernel.execute('before >= 1 && done === before + 1')),
      'true',
    );
  }).timeout(120_000);

  it('in the middle of a drawing leaves nothing that later cells wait for', async () => {
    await running.kernel.execute(
      "import { display, liveDisplay } from '@flowbook/kernel-extensions';\n" +
        'const live = liveDisplay(); let settle = (text: string) => {};\n' +
        'let drawing: unknown = new Promise<string>((settled) => (settle = settled));',
    );
    const drawings = [
      "await display({ [Symbol.for('Jupyter.display')]: async () => { await null; while (true) n++ } })",
      'void display(drawing);',
      "live.update({ [Symbol.for('Jupyter.display')]: () => drawing });",
    ];
    for (const code of drawings) {
      assert.equal((await interrupt(code)).result.error?.ename, 'Interrupted');
      assert.equal(resultText(await running.kernel.execute('1 + 1')), '2');
    }
    const { outputs } = await running.kernel.execute(
      "drawing = 'newer'; await live.finish(); settle('older');\n" +
        'await new Promise((settled) => setTimeout(settled, 100));',
    );
    assert.deepEqual(
      outputs.map((output) => [output.output_type, 'data' in output && output.data['text/plain']]),
      [['display_data', 'newer']],
    );
  }).timeout(60_000);

  it("in the middle of a file's top level has it loaded anew", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    const file = join(folder, 'stuck.ts');
    const load = `import { a } from ${JSON.stringify(file)};\na`;
    try {
      for (const last of ['while (true) {}', 'await new Promise(() => {});']) {
        writeFileSync(file, `console.log('begins');\nexport const a = 1;\n${last}\n`);
        const result = await running.kernel.execute(load, {
          onOutput: ({ output_type }) => {
            if (output_type === 'stream') void running.kernel.interrupt();
          },
        });
        assert.equal(printed(result), 'begins\n');
        assert.equal(result.error?.ename, 'Interrupted', result.error?.evalue);
        assert.equal((await running.kernel.execute('1 + 1')).error, null);
        writeFileSync(file, 'export const a = 2;\n');
        assert.equal(resultText(await running.kernel.execute(load)), '2');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }).timeout(60_000);

  it('aborts the cells that wait', async () => {
    const first = running.kernel.execute('await new Promise(() => {})');
    const second = running.kernel.execute("console.log('runs')");
    await pause(300);
    await running.kernel.interrupt();
    assert.equal((await first).status, 'error');
    assert.equal((await second).status, 'aborted');
    assert.equal(printed(await second), '');
  });

  it('while nothing runs does no harm', async () => {
    await running.kernel.interrupt();
    await pause(600);
    assert.equal(resultText(await running.kernel.execute('1 + 1')), '2');
  });

  it('while nothing runs stops what an earlier cell has left running', async () => {
    await running.kernel.execute(
      `let beats = 0; const own = ${SIGNAL};\nconst beat = setInterval(() => { if (own.aborted) clearInterval(beat); else beats++ }, 5);`,
    );
    await running.kernel.interrupt();
    await pause(50);
    const before = resultText(await running.kernel.execute('beats'));
    await pause(50);
    assert.equal(resultText(await running.kernel.execute('beats')), before);
  });

  it('stops a loop and a call beside what an earlier cell goes on with in immediates', async () => {
    await running.kernel.execute(
      'let goesOn = true; const again = () => { if (goesOn) setImmediate(again) }; again();',
    );
    for (const code of ['while (true);', "require('child_process').execSync('sleep 1')"]) {
      const { result } = await interrupt(code);
      assert.equal(result.error?.ename, 'Interrupted', code);
    }
    assert.equal(resultText(await running.kernel.execute('goesOn = false; state.kept')), '42');
  });

  it('works twenty times in one session', async () => {
    for (let round = 0; round < 20; round++) {
      const cell = running.kernel.execute(
        round % 2 ? 'while (true) n++;' : 'await null; while (true) n++;',
      );
      await pause(30);
      await running.kernel.interrupt();
      assert.equal((await cell).error?.ename, 'Interrupted');
    }
    assert.equal(
      resultText(await running.kernel.execute('await Promise.resolve(state.kept)')),
      '42',
    );
  }).timeout(120_000);
});

describe('interrupt_request while a package loads', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
  const running = runningKernel(() => ({ cwd: folder }));
  after(() => rmSync(folder, { recursive: true }));

  function writePackage(name: string, type: 'commonjs' | 'module', code: string): void {
    const place = join(folder, 'node_modules', name);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name, type, main: 'index.js' }));
    writeFileSync(join(place, 'index.js'), code);
  }

  /** Interrupts a cell once its package prints that it begins. */
  async function interruptLoading(code: string) {
    let asked = false;
    return running.kernel.execute(`// @ts-nocheck\n${code}`, {
      onOutput: ({ output_type }) => {
        if (output_type === 'stream' && !asked) void running.kernel.interrupt();
        asked = true;
      },
    });
  }

  const begin = "require('node:fs').writeSync(1, 'begins\\n'); const until = Date.now() + 1200;";
  const work = 'while (Date.now() < until);';
  const ways = {
    'an import of a CommonJS package': "import { first, second } from 'slow';\n[first, second]",
    'require() in a function': "const slow = require('slow-too');\n[slow.first, slow.second]",
    'an import of an ES module': "import { first, second } from 'slow-module';\n[first, second]",
    'import()': "const { first, second } = await import('slow-module-too');\n[first, second]",
  };
  before(() => {
    const common = `exports.first = 1; ${begin} ${work} exports.second = 2;`;
    writePackage('slow', 'commonjs', common);
    writePackage('slow-too', 'commonjs', common);
    writePackage('slow-too-late', 'commonjs', common);
    writePackage('counter', 'commonjs', 'exports.n = 0;');
    writePackage('serving', 'module', 'await new Promise(() => {});');
    writePackage('slow-at-last', 'commonjs', common);
    const module = `import { writeSync } from 'node:fs'; export const first = 1; ${begin.replace("require('node:fs').", '')} ${work} export const second = 2;`;
    writePackage('slow-module', 'module', module);
    writePackage('slow-module-too', 'module', module);
    writePackage(
      'endless',
      'commonjs',
      `exports.a = 1; require('./part.js'); ${begin} while (!globalThis.goOn);`,
    );
    writeFileSync(
      join(folder, 'node_modules/endless/part.js'),
      "exports.whole = require('endless');",
    );
  });
  for (const [name, code] of Object.entries(ways)) {
    it(`waits for ${name}, which is whole for later cells`, async () => {
      const interrupted = await interruptLoading(`${code};\nwhile (true);`);
      assert.equal(interrupted.error?.ename, 'Interrupted');
      const later = await running.kernel.execute(`// @ts-nocheck\n${code}`);
      assert.equal(resultText(later), '[ 1, 2 ]');
    });
  }

  it('stops a cell before its own code begins', async () => {
    const result = await interruptLoading("import 'slow-too-late';\nconsole.log('runs')");
    assert.equal(result.error?.ename, 'Interrupted');
    assert.equal(printed(result), 'begins\n');
  });

  it('keeps what was loaded whole while an import never settles', async () => {
    const cell = running.kernel.execute(
      "// @ts-nocheck\nvoid import('serving');\nawait new Promise((settle) => setTimeout(settle, 300));\nrequire('counter').n = 5;\nwhile (true);",
    );
    for (const ms of [1000, 2000]) {
      await pause(ms);
      await running.kernel.interrupt();
    }
    assert.equal((await cell).error?.ename, 'Interrupted');
    assert.equal(resultText(await running.kernel.execute("require('counter').n")), '5');
  });

  it('leaves the work of earlier cells alone where the cell ends with the load', async () => {
    const signal = "(globalThis as any)[Symbol.for('flowbook.cell')].signal";
    await running.kernel.execute(`const earlier: AbortSignal = ${signal};`);
    const result = await interruptLoading("require('slow-at-last').second");
    assert.equal(resultText(result), '2');
    assert.equal(resultText(await running.kernel.execute('earlier.aborted')), 'false');
  });

  it('stops a package that never ends when it is asked again, which is loaded anew', async () => {
    const cell = interruptLoading("import { a } from 'endless'");
    await pause(3000);
    await running.kernel.interrupt();
    const result = await cell;
    assert.equal(result.error?.ename, 'Interrupted');
    assert.match(printed(result, 'stderr'), /for a package to load.*Another interrupt/);
    await running.kernel.execute('(globalThis as any).goOn = true');
    const again =
      "// @ts-nocheck\nimport { a } from 'endless';\n[a, require('endless/part.js').whole.a]";
    assert.equal(resultText(await running.kernel.execute(again)), '[ 1, 1 ]');
    const loop = running.kernel.execute('while (true);');
    await pause(300);
    await running.kernel.interrupt();
    assert.equal((await loop).error?.ename, 'Interrupted');
  });
});

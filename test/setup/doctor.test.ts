import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { flowbookCommand, scriptModule, setupModule } from './setup-module';
import { temporaryFolder } from './temporary-folder';

interface Check {
  name: string;
  state: 'ok' | 'warning' | 'broken';
  detail: string;
  fix?: string;
}

function doctor(environment: NodeJS.ProcessEnv = {}, ...parameters: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [flowbookCommand, 'doctor', ...parameters],
    { encoding: 'utf8', env: { ...process.env, ...environment } },
  );
  return { status, stdout, stderr };
}

describe('flowbook doctor', () => {
  const folder = temporaryFolder();

  it('doctor --json names each piece with its state', () => {
    const { stdout } = doctor({}, '--json');
    const { checks } = JSON.parse(stdout) as { checks: Check[] };
    const names = checks.map(({ name }) => name);
    assert.deepEqual(names, [
      'Node',
      'platform',
      'processor',
      'native library',
      'device',
      'compiler',
      'Python',
      'Jupyter',
      'kernelspec',
      'disk',
      'fonts',
      'browser',
    ]);
    const detailOf = (name: string) => checks.find((check) => check.name === name)!.detail;
    assert.match(detailOf('Node'), /^\d+\.\d+\.\d+ \(Node-API \d+\)$/);
    assert.match(detailOf('native library'), /^TensorFlow 2\.21\.0 from /);
    assert.match(detailOf('device'), /^(CPU|CUDA)/);
    assert.match(detailOf('fonts'), /DejaVuSans\.ttf$/);
  });

  it('doctor prints a line for each piece', () => {
    const { stdout } = doctor();
    assert.match(stdout, /^ok {7}Node {12}\d+/m);
    assert.match(stdout, /^(ok|warning|BROKEN) +disk +\d+\.\d GB free for /m);
  });

  it('doctor ends with 1 and names the fix when the native library is missing', () => {
    const { status, stdout } = doctor({ FLOWBOOK_CACHE: join(folder.path, 'empty') }, '--json');
    assert.equal(status, 1);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
    assert.equal(ok, false);
    assert.deepEqual(
      checks.find(({ name }) => name === 'native library'),
      {
        name: 'native library',
        state: 'broken',
        detail:
          'TensorFlow 2.21.0 is not fetched: the JavaScript backend serves, many times slower',
        fix: 'npx flowbook setup',
      },
    );
    assert.equal(checks.find(({ name }) => name === 'Jupyter')!.state, 'broken');
  });

  it('doctor refuses a flag that it does not know with 2', () => {
    const { status, stderr } = doctor({}, '--jason');
    assert.equal(status, 2);
    assert.match(stderr, /--jason/);
  });

  it('nodeCheck() and the first stage of set-up refuse a Node below the one of engines', async () => {
    const { nodeCheck, nodeStage } = await setupModule('node-version.mjs');
    for (const old of ['18.20.0', '20.0.0', '20.11.1']) {
      assert.equal(nodeCheck(old).state, 'broken', old);
      await assert.rejects(nodeStage.run(null, old), {
        piece: 'Node',
        message: `Cannot set Flowbook up as Node must be 20.12 or newer: current value is ${old}`,
      });
    }
    for (const version of ['20.12.0', '20.20.2', '22.0.0', '24.1.0']) {
      assert.equal(nodeCheck(version).state, 'ok', version);
      assert.equal(await nodeStage.run(null, version), `is ${version}`);
    }
    const { allStages } = await scriptModule('stages.mjs');
    assert.equal(allStages()[0], nodeStage);
  });
});

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setupModule } from '../../setup/setup-module';

/** A kernel to measure, and the same little programs in its language. */
export interface MeasuredKernel {
  name: string;
  /** Folder of its kernelspec; Flowbook's own when absent. */
  kernelspec?: string;
  programs: { print: string; loop: string; completion: string; help: string };
}

const DENO_VERSION = '2.9.6';

const JAVASCRIPT = {
  print: "for (let i = 0; i < 10000; i++) console.log('line ' + i);",
  loop: 'while (true) {}',
  completion: 'Math.flo',
  help: 'Math.floor',
};

const PYTHON = {
  print: "for i in range(10000): print('line', i)",
  loop: 'while True: pass',
  completion: 'math.flo',
  help: 'math.floor',
};

/** Flowbook's kernel, Deno's (from npm) and ipykernel (beside JupyterLab); the peers go into the cache. */
export async function peerKernels(): Promise<MeasuredKernel[]> {
  const { cacheFolder, jupyterFolder, venvPython } = await setupModule('index.mjs');
  const cache = cacheFolder();
  const deno = installDeno(cache);
  const python = venvPython(jupyterFolder(cache));
  const spec = (name: string, argv: string[]) =>
    writeKernelspec(join(cache, 'bench-kernels', name), argv);
  return [
    { name: 'Flowbook', programs: JAVASCRIPT },
    {
      name: `Deno ${DENO_VERSION}`,
      kernelspec: spec('deno', [deno, 'jupyter', '--kernel', '--conn', '{connection_file}']),
      programs: JAVASCRIPT,
    },
    {
      name: 'ipykernel',
      kernelspec: spec('ipykernel', [
        python,
        '-m',
        'ipykernel_launcher',
        '-f',
        '{connection_file}',
      ]),
      programs: PYTHON,
    },
  ];
}

/** npm's `deno` package names the binary of each platform as an optional dependency; its lock, the hash of each. */
function installDeno(cache: string): string {
  const folder = join(cache, `deno-${DENO_VERSION}`);
  if (!existsSync(folder)) {
    const fresh = `${folder}.${process.pid}`;
    cpSync(join(__dirname, 'deno'), fresh, { recursive: true });
    const parameters = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', parameters, { cwd: fresh, stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(fresh, folder);
  }
  return join(folder, 'node_modules', '.bin', 'deno');
}

function writeKernelspec(folder: string, argv: string[]): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'kernel.json'),
    JSON.stringify({ argv, language: '', display_name: '' }),
  );
  return folder;
}

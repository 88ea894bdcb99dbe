import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cacheFolder } from './cache-folder.mjs';
import { bugReport } from './doctor/bug-report.mjs';
import { nativeChecks, platformCheck, processorCheck } from './doctor/native-checks.mjs';
import {
  browserCheck,
  diskCheck,
  fontsCheck,
  jupyterCheck,
  kernelspecCheck,
  pythonCheck,
} from './doctor/other-checks.mjs';
import { nodeCheck } from './node-version.mjs';

const help = `Usage: flowbook doctor [--json | --bug [--runs FOLDER]]

Checks each piece that Flowbook stands on: a line each, with the fix for what is broken.
Exit code 1 when something needed is broken.

  --json   {"ok": ..., "checks": [{"name", "state": "ok" | "warning" | "broken", "detail", "fix"}]}
  --bug    a report for an issue, as Markdown: versions, checks, the newest run's configuration and the end of its log,
           without secrets, pictures and weights; --runs says where runs are (default: FLOWBOOK_RUN_DIR, or runs)
`;
const marks = { ok: 'ok     ', warning: 'warning', broken: 'BROKEN ' };

/** All checks, in order. */
export async function runChecks(cache = cacheFolder()) {
  return [
    nodeCheck(),
    platformCheck(),
    await processorCheck(),
    ...(await nativeChecks(cache)),
    await pythonCheck(),
    await jupyterCheck(cache),
    kernelspecCheck(),
    diskCheck(cache),
    fontsCheck(),
    browserCheck(),
  ];
}

/** `flowbook doctor`: returns the exit code. It runs before anything is built. */
export async function doctorCommand(parameters) {
  let values;
  try {
    ({ values } = parseArgs({
      args: parameters,
      options: {
        json: { type: 'boolean', default: false },
        bug: { type: 'boolean', default: false },
        runs: { type: 'string', default: process.env.FLOWBOOK_RUN_DIR || 'runs' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${help}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const checks = await runChecks();
  const ok = checks.every((check) => check.state !== 'broken');
  if (values.bug) {
    const own = new URL('../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(own, 'utf8'));
    process.stdout.write(bugReport({ version, checks, runs: values.runs }));
    return 0;
  }
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ok, checks }, null, 2)}\n`);
    return ok ? 0 : 1;
  }
  const width = Math.max(...checks.map((check) => check.name.length));
  for (const { name, state, detail, fix } of checks) {
    process.stdout.write(`${marks[state]}  ${name.padEnd(width)}  ${detail}\n`);
    if (fix) process.stdout.write(`${' '.repeat(width + 11)}fix: ${fix}\n`);
  }
  return ok ? 0 : 1;
}

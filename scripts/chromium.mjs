import { existsSync } from 'node:fs';
import { installCommand } from '../kernel-extensions/setup/install-command.mjs';
import { runCommand } from '../kernel-extensions/setup/run-command.mjs';
import { SetupProblem } from '../kernel-extensions/setup/setup-problem.mjs';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The Chromium or Chrome of this machine (CHROMIUM_PATH wins), or null. */
export function findChromium(environment = process.env) {
  return [environment.CHROMIUM_PATH, ...places].find((place) => place && existsSync(place)) ?? null;
}

const canInstall = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

async function runApt(parameters) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { code, stdout, stderr } = await runCommand('apt-get', ['-qq', ...parameters], { env });
  if (code === 0) return;
  throw new SetupProblem(
    'browser',
    `Cannot install Chromium as "apt-get ${parameters[0]}" must succeed: ${`${stdout}\n${stderr}`.trim().split('\n').pop()}`,
    installCommand('browser'),
  );
}

/**
 * Installs Debian's Chromium where this user may; elsewhere names the command.
 *
 * @returns the text of the finished progress line
 */
export async function ensureChromium(report) {
  const found = findChromium();
  if (found) return `${found} is there`;
  if (!canInstall()) {
    throw new SetupProblem(
      'browser',
      'Cannot test in a browser as Chromium or Chrome must be installed, or CHROMIUM_PATH name one: there is none',
      installCommand('browser'),
    );
  }
  report('installing Chromium');
  await runApt(['update']);
  await runApt(['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']);
  return 'Chromium installed';
}

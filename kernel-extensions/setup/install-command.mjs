import { readFileSync } from 'node:fs';

const byFamily = {
  debian: {
    compiler: 'g++',
    python: 'python3 python3-venv',
    venv: 'python3-venv',
    browser: 'chromium',
  },
  fedora: { compiler: 'gcc-c++', python: 'python3', venv: 'python3', browser: 'chromium' },
  arch: { compiler: 'gcc', python: 'python', venv: 'python', browser: 'chromium' },
  suse: { compiler: 'gcc-c++', python: 'python3', venv: 'python3', browser: 'chromium' },
  alpine: { compiler: 'g++', python: 'python3', venv: 'python3', browser: 'chromium' },
};
const installers = {
  debian: 'sudo apt-get install -y',
  fedora: 'sudo dnf install -y',
  arch: 'sudo pacman -S --noconfirm',
  suse: 'sudo zypper install -y',
  alpine: 'sudo apk add',
};
const elsewhere = {
  darwin: {
    compiler: 'xcode-select --install',
    python: 'brew install python@3.12',
    venv: 'brew install python@3.12',
    browser: 'brew install --cask chromium',
  },
  win32: {
    compiler: 'winget install Microsoft.VisualStudio.2022.BuildTools',
    python: 'winget install Python.Python.3.12',
    venv: 'winget install Python.Python.3.12',
    browser: 'winget install Hibbiki.Chromium',
  },
};

function linuxFamily(osRelease) {
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap((m) =>
    m[1].split(/\s+/),
  );
  if (ids.some((id) => ['debian', 'ubuntu'].includes(id))) return 'debian';
  if (ids.some((id) => ['fedora', 'rhel', 'centos'].includes(id))) return 'fedora';
  if (ids.includes('arch')) return 'arch';
  if (ids.some((id) => id.includes('suse'))) return 'suse';
  if (ids.includes('alpine')) return 'alpine';
  return 'debian';
}

function readOsRelease() {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

/**
 * The command that installs a missing piece on this kind of machine.
 *
 * @param piece 'compiler', 'python', 'venv' or 'browser'
 */
export function installCommand(piece, platform = process.platform, osRelease = readOsRelease()) {
  if (platform in elsewhere) return elsewhere[platform][piece];
  const family = linuxFamily(osRelease);
  return `${installers[family]} ${byFamily[family][piece]}`;
}

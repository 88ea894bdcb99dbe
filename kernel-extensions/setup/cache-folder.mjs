import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The user's cache folder for Flowbook: what is fetched or built once and shared by all clones.
 *
 * FLOWBOOK_CACHE wins; then XDG_CACHE_HOME or ~/.cache (Linux), ~/Library/Caches (macOS), %LOCALAPPDATA% (Windows).
 */
export function cacheFolder(environment = process.env, platform = process.platform) {
  if (environment.FLOWBOOK_CACHE) return resolve(environment.FLOWBOOK_CACHE);
  const home = environment.HOME || homedir();
  if (platform === 'win32') {
    return join(environment.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'flowbook');
  }
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'flowbook');
  return join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'flowbook');
}

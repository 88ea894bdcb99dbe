import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

function holderOf(file) {
  try {
    const [pid, host] = readFileSync(file, 'utf8').split(' ');
    return { pid: Number(pid), host };
  } catch {
    return null;
  }
}

function isAlive({ pid, host }) {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Runs `work` while no other process of this user holds the lock of that name; a lock whose process has died is taken over.
 *
 * @param folder cache folder that all clones share
 * @param onWait called once, with the holder's process id, when another process has it
 */
export async function withLock(folder, name, work, onWait = () => {}) {
  const locks = join(folder, 'locks');
  mkdirSync(locks, { recursive: true });
  const file = join(locks, `${name}.lock`);
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, `${process.pid} ${hostname()}`, { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = holderOf(file);
    if (holder && holder.pid > 0 && !isAlive(holder)) {
      // Renaming first lets exactly one of several waiting processes remove the dead lock.
      const dead = `${file}.${process.pid}`;
      try {
        renameSync(file, dead);
        rmSync(dead);
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
      }
      continue;
    }
    if (!told && holder?.pid) {
      told = true;
      onWait(holder.pid);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

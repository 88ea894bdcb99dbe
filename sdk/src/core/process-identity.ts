import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, so that it can be told from any other, also a later one of the same number. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** The machine since its last start, and the container: where process numbers mean the same. null where it is not told. */
  place: string | null;
  /** When the process began, by the machine's own count; null where it is not told. */
  began: string | null;
}

/** A process as a record names it. Records of earlier versions say neither its place nor when it began. */
export type NamedProcess = Pick<ProcessIdentity, 'pid' | 'host'> & Partial<ProcessIdentity>;

/** Linux tells what a process is; other systems give null. */
function fromLinux<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** The 22nd field of /proc/<pid>/stat; the second one is in parentheses, and may hold spaces. */
function beganAt(pid: number): string | null {
  return fromLinux(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? null : fields[18];
  });
}

function here(): string | null {
  return fromLinux(() => {
    const machine = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${machine} ${readlinkSync('/proc/self/ns/pid')}`;
  });
}

/** This process. */
export function ownProcess(): ProcessIdentity {
  const { pid } = process;
  return { pid, host: hostname(), place: here(), began: beganAt(pid) };
}

/** Whether a process of this machine has this number, this user's or another's. */
export function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process is still there; null when that cannot be seen from here. */
export function isAlive({ pid, host, place, began = null }: NamedProcess): boolean | null {
  const own = here();
  const isHere = own === null || place === undefined ? host === hostname() : place === own;
  if (!isHere) return null;
  if (!isProcess(pid)) return false;
  return began === null || beganAt(pid) === began;
}

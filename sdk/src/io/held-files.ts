/** A file that was to be written, with its bytes as they were then. */
export interface HeldFile {
  path: string;
  parts: Uint8Array[];
}

let held: HeldFile[] | null = null;

/**
 * Runs `work`; what it writes by `writeAtomically` is handed back instead, so that another can write it in its own time. The bytes
 * are copies: what they were read from may change.
 *
 * @param work Is not asynchronous.
 */
export function holdFiles(work: () => void): HeldFile[] {
  if (held !== null) {
    throw new Error('Cannot hold files as nothing else must hold them at the time');
  }
  const files: HeldFile[] = [];
  held = files;
  try {
    work();
  } finally {
    held = null;
  }
  return files;
}

/** Takes a file for whoever holds files. @returns Whether somebody does. */
export function takeFile(
  path: string,
  write: (append: (bytes: Uint8Array) => void) => void,
): boolean {
  if (held === null) return false;
  const parts: Uint8Array[] = [];
  // A Buffer's slice() would be the same memory.
  write((bytes) => parts.push(Uint8Array.from(bytes)));
  held.push({ path, parts });
  return true;
}

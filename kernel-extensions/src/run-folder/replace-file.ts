import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import * as path from 'node:path';

/**
 * Writes a file in one step: a reader sees the old one or the new one, never a part. A link stays, and what it leads to is
 * written; permissions stay, too.
 */
export function replaceFile(file: string, content: string | Uint8Array): void {
  const isThere = existsSync(file);
  const target = isThere ? realpathSync(file) : file;
  const mode = isThere ? statSync(target).mode & 0o7777 : undefined;
  const temporary = path.join(
    path.dirname(target),
    `.${path.basename(target)}.${randomUUID()}.partial`,
  );
  try {
    writeFileSync(temporary, content, { mode });
    // The process's mask took bits away.
    if (mode !== undefined) chmodSync(temporary, mode);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

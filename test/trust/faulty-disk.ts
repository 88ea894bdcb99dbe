import promises from 'node:fs/promises';
import { basename } from 'node:path';

/** Makes the disk refuse by a code of the operating system, such as ENOSPC, what is written to files that `isHit` chooses. */
export async function withFaultyDisk<Result>(
  code: string,
  isHit: (path: string) => boolean,
  work: () => Promise<Result>,
): Promise<Result> {
  const { open } = promises;
  promises.open = async (path, ...rest) => {
    const file = await open(path, ...rest);
    if (!isHit(basename(String(path)))) return file;
    file.write = () =>
      Promise.reject(Object.assign(new Error(`${code}: refused, write`), { code }));
    return file;
  };
  try {
    return await work();
  } finally {
    promises.open = open;
  }
}

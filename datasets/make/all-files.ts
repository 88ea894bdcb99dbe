import type { FileContents } from './file-contents';
import { digitsFiles } from './digits-files';
import { shapesFiles } from './shapes-files';

/** Every data file that is made, by its path below `datasets/`. */
export async function allFiles(): Promise<FileContents> {
  const folders = { shapes: await shapesFiles(), digits: await digitsFiles() };
  return Object.fromEntries(
    Object.entries(folders).flatMap(([folder, files]) =>
      Object.entries(files).map(([name, bytes]) => [`${folder}/${name}`, bytes]),
    ),
  );
}

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors } from './safetensors';
import type { SafetensorsHeader } from './safetensors-header';

/** A model's files, on disk or on a hub, as far as names, sizes and headers go. Paths have "/". */
export interface ModelFiles {
  /** The folder that holds its JSON files. */
  readonly directory: string;
  /** Names of the files in a folder of the model; none when there is no such folder. */
  names(folder: string): string[];
  /** Size of a file, in bytes. */
  bytes(path: string): number;
  /** The header of a safetensors file. */
  header(path: string): Promise<SafetensorsHeader>;
}

/** The files of a model that lies on this machine. */
export function localModelFiles(directory: string): ModelFiles {
  return {
    directory,
    names: (folder) => {
      const path = join(directory, folder);
      return existsSync(path) ? readdirSync(path) : [];
    },
    bytes: (path) => statSync(join(directory, path)).size,
    header: async (path) => {
      const file = openSafetensors(join(directory, path));
      try {
        return file.header;
      } finally {
        file.close();
      }
    },
  };
}

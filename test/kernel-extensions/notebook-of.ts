import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { type Notebook, writeNotebook } from '@flowbook/kernel-extensions';
import type { AwkwardNotebook } from './export/awkward-notebooks';

const root = path.resolve(__dirname, '../..');

/** A notebook of the given cells. */
export function notebookOf(cells: AwkwardNotebook['cells']): Notebook {
  return {
    metadata: {
      kernelspec: { name: 'flowbook', display_name: 'Flowbook', language: 'typescript' },
      language_info: { name: 'typescript' },
    },
    cells: cells.map(({ id, source, type, tags }) => ({
      id,
      source,
      cell_type: type ?? 'code',
      metadata: tags ? { tags } : {},
    })),
  };
}

/** A folder below the clone, where both packages can be imported; removed by `remove`. */
export class Workspace {
  readonly folder: string;

  constructor() {
    mkdirSync(path.join(root, 'runs'), { recursive: true });
    this.folder = mkdtempSync(path.join(root, 'runs', 'test-'));
  }

  path(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  write(name: string, text: string): string {
    const file = this.path(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  writeNotebook(name: string, cells: AwkwardNotebook['cells']): string {
    const file = this.path(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeNotebook(file, notebookOf(cells));
    return file;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

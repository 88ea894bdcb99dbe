import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repository } from '../setup/setup-module';

/** A piece of code that documentation shows. */
export interface Example {
  /** Where it stands, as `sdk/src/core/registry.ts:12`. */
  name: string;
  code: string;
  /** The source file whose docstring shows it: its exports are in scope. Null for a document, which imports what it uses. */
  source: string | null;
}

/** Every `@example` below a folder of sources, in the order of files and lines. */
export function docstringExamples(folder: string): Example[] {
  return filesBelow(folder, '.ts').flatMap((file) => {
    const path = join(repository, file);
    const text = readFileSync(path, 'utf8');
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
    const examples: Example[] = [];
    const visit = (node: ts.Node) => {
      for (const tag of ts.getJSDocTags(node)) {
        if (tag.tagName.text !== 'example' || tag.parent.parent !== node) continue;
        const line = source.getLineAndCharacterOfPosition(tag.getStart(source)).line + 1;
        const code = ts.getTextOfJSDocComment(tag.comment) ?? '';
        examples.push({ name: `${file}:${line}`, code, source: path });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return examples;
  });
}

/** Every fenced TypeScript block of a document, each a program of its own. */
export function documentExamples(file: string): Example[] {
  const text = readFileSync(join(repository, file), 'utf8');
  return [...text.matchAll(/^```ts\n([^]*?)^```/gm)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length + 1;
    return { name: `${file}:${line}`, code: match[1], source: null };
  });
}

/** README.md and the pages of docs/. */
export function documents(): string[] {
  return ['README.md', ...filesBelow('docs', '.md')];
}

function filesBelow(folder: string, extension: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(folder, name))
    .sort();
}

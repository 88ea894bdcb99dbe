import assert from 'node:assert/strict';
import type { Notebook } from '@flowbook/kernel-extensions';
import fc from 'fast-check';
import ts from 'typescript';
import { exportNotebook } from '../../kernel-extensions/src/export/export-notebook';
import { injectParameters } from '../../kernel-extensions/src/notebook/inject-parameters';
import { holds } from './property';

/** Texts that end a comment, a string, a template or a line, and go on as code. */
const breaksOut = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\n',
        '\r',
        '\r\n',
        '\u2028',
        '\u2029',
        '*/',
        '/*',
        '//',
        '`',
        '${',
        '}',
        "'",
      ),
      fc.constantFrom('"', '\\', '</script>', '# %%', '// %% [a]', '(', ';', '\0'),
      fc.constant('process.exit(1)'),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

const PARAMETERS = "let prompt = 'a fox';\nlet prompts = ['a', 'b'];";

/** A notebook with texts of others in every place that is not code. */
function notebookWith(text: string, tag: string, raw: string): Notebook {
  const cell = (
    id: string,
    cell_type: 'code' | 'markdown' | 'raw',
    source: string,
    tags = [''],
  ) => ({
    id,
    cell_type,
    source,
    metadata: { tags: [...tags, tag].filter((one) => one !== '') },
  });
  return {
    metadata: {},
    cells: [
      cell('a', 'markdown', `# A title\n${text}`),
      cell('b', 'code', PARAMETERS, ['parameters']),
      cell('c', 'markdown', text),
      cell('d', 'code', 'console.log(prompt, prompts);'),
      cell('e', 'raw', raw),
    ],
  };
}

/** What a program consists of, comments left out. */
function syntaxOf(text: string): string[] {
  const file = ts.createSourceFile('a.ts', text, ts.ScriptTarget.ESNext, true);
  const kinds: string[] = [];
  const visit = (node: ts.Node): void => {
    kinds.push(ts.isStringLiteral(node) ? `a text: ${node.text}` : ts.SyntaxKind[node.kind]);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return kinds;
}

describe('texts of others', () => {
  const options = { scriptFile: '/tmp/a.ts', notebookFile: '/tmp/n.ipynb' };
  let plain: string[];
  before(async () => {
    plain = syntaxOf((await exportNotebook(notebookWith('x', 'x', 'x'), options)).text);
  });

  holds(
    'in cells of text, tags and the name of the file never become code of an exported script',
    fc.tuple(breaksOut, breaksOut, breaksOut, breaksOut),
    async ([text, tag, raw, name]) => {
      fc.pre(!['no-export', 'export-only', 'parameters'].includes(tag));
      const file = `/tmp/${name.replaceAll('/', '')}.ipynb`;
      const { text: script } = await exportNotebook(notebookWith(text, tag, raw), {
        ...options,
        notebookFile: file,
      });
      const own = `a text: ${file.slice(5)}`;
      const found = syntaxOf(script).map((one) => (one === own ? 'a text: n.ipynb' : one));
      assert.deepEqual(found, plain);
    },
    0.05,
  );

  holds(
    'given as values of parameters stay texts, as they are',
    fc.tuple(breaksOut, breaksOut),
    ([prompt, listed]) => {
      const notebook = notebookWith('x', 'x', 'x');
      injectParameters(notebook, new Map(Object.entries({ prompt, prompts: listed })));
      const kinds = syntaxOf(notebook.cells[1].source);
      const isText = (kind: string) => kind.startsWith('a text: ');
      const code = (all: string[]) => all.filter((kind) => !isText(kind));
      assert.deepEqual(code(kinds), code(syntaxOf(PARAMETERS)));
      assert.equal(kinds.find(isText), `a text: ${prompt}`);
    },
    0.2,
  );
});

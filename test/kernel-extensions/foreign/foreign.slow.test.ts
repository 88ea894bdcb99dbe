import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KernelClient, type CellOutput } from '../../../kernel-extensions/src/kernel/client';
import { readPrograms } from '../programs/programs';

/** What notebooks of each kernel say of themselves. */
const METADATA = {
  tslab: {
    kernelspec: { name: 'tslab', display_name: 'TypeScript', language: 'typescript' },
    language_info: { name: 'typescript' },
  },
  jslab: {
    kernelspec: { name: 'jslab', display_name: 'JavaScript', language: 'javascript' },
    language_info: { name: 'javascript' },
  },
  deno: {
    kernelspec: { name: 'deno', display_name: 'Deno', language: 'typescript' },
    language_info: { name: 'typescript' },
  },
  ijavascript: {
    kernelspec: {
      name: 'javascript',
      display_name: 'Javascript (Node.js)',
      language: 'javascript',
    },
    language_info: { name: 'javascript' },
  },
};

/** What the notebooks import. */
const FILES: Record<string, string> = {
  'shout.ts': "import { upper } from './lib/upper';\nexport const shout = (s: string) => upper(s);",
  'lib/upper.ts': 'export const upper = (s: string) => s.toUpperCase();',
  'shows.ts':
    "import { display } from 'tslab';\nexport function show(html: string) { display.html(html) }",
  'helper.ts': "export const helper = () => 'helped';",
  'data.json': '{ "rows": [1, 2, 3] }',
  'own-path.ts': "export const join = (...parts: string[]) => 'own-path:' + parts.join('/');",
  'deno.json': `{
    // an import map, with comments
    "imports": { "@/": "./", "@std/path": "./own-path.ts", "tiny/": "npm:/tiny-package@1.2.3/" },
  }`,
  'node_modules/tiny-package/package.json':
    '{ "name": "tiny-package", "version": "1.2.3", "type": "module", "exports": { ".": "./index.js", "./*": "./*" } }',
  'node_modules/tiny-package/index.js': "export default { name: 'tiny' };",
  'node_modules/tiny-package/sub.js': "export const sub = 'sub';",
};

const PLAIN = ['text/plain'];

/** A cell's output in a line or more: text as it is, other types with their name. */
function textOf(output: CellOutput): string[] {
  if (output.output_type === 'stream') return output.text.replace(/\n$/, '').split('\n');
  if (output.output_type === 'error') return ['!'];
  if (output.output_type === 'clear_output') return [];
  const { data } = output;
  const types = Object.keys(data);
  const type = types.find((one) => !PLAIN.includes(one)) ?? 'text/plain';
  const content = data[type];
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const isResult = output.output_type === 'execute_result' && type === 'text/plain';
  return `${isResult ? '' : `${type} `}${text}`.split('\n');
}

for (const [kernelName, metadata] of Object.entries(METADATA)) {
  describe(`a notebook written for ${kernelName}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    const file = join(folder, 'notebook.ipynb');
    let kernel: KernelClient;
    before(async function () {
      this.timeout(120_000);
      for (const [name, text] of Object.entries(FILES)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      writeFileSync(file, JSON.stringify({ cells: [], metadata, nbformat: 4, nbformat_minor: 5 }));
      kernel = await KernelClient.start({ cwd: folder, env: { JPY_SESSION_NAME: file } });
    });
    after(async () => {
      await kernel.shutdown();
      rmSync(folder, { recursive: true });
    });

    const text = readFileSync(join(__dirname, `${kernelName}.cells`), 'utf8');
    for (const { name, cells } of readPrograms(text)) {
      it(`runs as there: ${name}`, async function () {
        this.timeout(120_000);
        for (const cell of cells) {
          const { outputs } = await kernel.execute(cell.source);
          assert.deepEqual(outputs.flatMap(textOf), cell.expected, cell.source);
        }
      });
    }
  });
}

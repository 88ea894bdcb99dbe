import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { PROTOCOL_VERSION } from '../protocol/message';

/** The content of kernel_info_reply. */
export function kernelInfo(): Record<string, unknown> {
  const version = packageVersion(resolve(__dirname, '../../../package.json'));
  // The compiler that checks the cells, without loading it.
  const language = packageVersion(createRequire(__filename).resolve('typescript/package.json'));
  return {
    status: 'ok',
    protocol_version: PROTOCOL_VERSION,
    implementation: 'flowbook',
    implementation_version: version,
    banner: `Flowbook ${version}: TypeScript ${language} on Node.js ${process.versions.node}`,
    language_info: {
      name: 'typescript',
      version: language,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      // JupyterLab reads `mode`, the classic notebook `name` and `typescript`.
      codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
      nbconvert_exporter: 'script',
    },
    help_links: [
      { text: 'TypeScript handbook', url: 'https://www.typescriptlang.org/docs/handbook/' },
      { text: 'TensorFlow.js API', url: 'https://js.tensorflow.org/api/latest/' },
    ],
    debugger: false,
    supported_features: [],
  };
}

function packageVersion(path: string): string {
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

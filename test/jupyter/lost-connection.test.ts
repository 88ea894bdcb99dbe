import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JupyterServer } from '../../kernel-extensions/src/launch/jupyter-server';
import { ServerKernel } from '../../kernel-extensions/src/launch/server-kernel';
import { installedJupyter } from '../../kernel-extensions/src/setup/setup-pieces';
import type { LiveOutput } from '../../kernel-extensions/src/notebook/outputs';
import { temporaryFolder } from '../setup/temporary-folder';

const LINES = 40;
const AWAY_MS = 1000;

/** Stands between a client and its server, and can cut what goes through it. */
class Line {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(port: number): Promise<Line> {
    const server = createServer();
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    const line = new Line(server, (server.address() as AddressInfo).port);
    server.on('connection', (near) => line.join(near, port));
    return line;
  }

  private join(near: Socket, port: number): void {
    if (this.isCut) return void near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  /** Ends every connection, and takes none for a while. */
  async cut(forMs: number): Promise<void> {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
    await new Promise((settle) => setTimeout(settle, forMs));
    this.isCut = false;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

describe('a client of a Jupyter server that loses its connection', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  let server: JupyterServer;
  let line: Line;
  let kernel: ServerKernel;

  before(async () => {
    const notebook = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    writeFileSync(join(folder.path, 'n.ipynb'), JSON.stringify(notebook));
    const jupyter = await installedJupyter();
    assert.ok(jupyter);
    server = await JupyterServer.start({
      ...jupyter,
      application: 'jupyter_server',
      port: 0,
      rootFolder: folder.path,
    });
    line = await Line.to(Number(new URL(server.url).port));
    const url = server.url.replace(/:\d+/, `:${line.port}`);
    kernel = await ServerKernel.start(
      { url, token: server.token } as JupyterServer,
      'n.ipynb',
      'flowbook',
      new AbortController().signal,
    );
  });
  after(async () => {
    await kernel?.shutdown();
    line?.close();
    await server?.stop();
  });

  it('gets all that the running cell printed meanwhile, in order and once', async () => {
    let text = '';
    let away: Promise<void> | null = null;
    const onOutput = (output: LiveOutput) => {
      if (output.output_type === 'stream') text += output.text;
      if (text.includes('line 3\n')) away ??= line.cut(AWAY_MS);
    };
    const result = await kernel.execute(
      `for (let i = 1; i <= ${LINES}; i++) { console.log('line', i); await new Promise((settle) => setTimeout(settle, 50)); }
const kept = 'kept';`,
      { onOutput },
    );
    assert.equal(result.status, 'ok');
    assert.ok(away);
    const expected = Array.from({ length: LINES }, (_, i) => `line ${i + 1}\n`).join('');
    assert.equal(text, expected);
    let after = '';
    await kernel.execute('console.log(kept)', {
      onOutput: (output) => (after += output.output_type === 'stream' ? output.text : ''),
    });
    assert.equal(after, 'kept\n');
  });
});

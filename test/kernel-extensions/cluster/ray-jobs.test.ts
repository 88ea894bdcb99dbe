import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RayJobs } from '../../../kernel-extensions/src/cluster/launch/ray-jobs';
import { RayLauncher } from '../../../kernel-extensions/src/cluster/launch/ray-launcher';

interface RaySubmission {
  submission_id: string;
}

describe('RayLauncher', () => {
  it('finds a run that Ray took without an answer, rather than to start another', async () => {
    const taken: string[] = [];
    let silences = 2;
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        const { url, method } = request;
        if (url?.startsWith('/api/packages/')) return response.end('{}');
        if (method === 'GET') {
          const isKnown = taken.some((id) => url === `/api/jobs/${id}`);
          return response.writeHead(isKnown ? 200 : 404).end('{"status":"RUNNING"}');
        }
        silences -= 1;
        // The first is lost on its way, the second one's answer on its way back.
        if (silences < 1) taken.push((JSON.parse(body) as RaySubmission).submission_id);
        if (silences >= 0) return response.destroy();
        return response.end(body);
      });
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const launcher = new RayLauncher({ address, token: 'secret', packages: '/' });
      const task = { parameters: [], directory: '/out' };
      const job = { name: 'a b', folder: '/', files: [], program: ['node'], tasks: [task] };
      const submit = () => launcher.submit(job, { resume: true });
      await assert.rejects(submit(), /must answer: socket hang up$/);
      await assert.rejects(submit(), /must answer: socket hang up$/);
      assert.deepEqual(await submit(), taken);
      assert.match(taken[0], /^a-b-[\da-f]{8}$/);
      // A later loss is another run.
      const [next] = await submit();
      assert.notEqual(next, taken[0]);
      assert.equal(taken.length, 2);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('RayJobs', () => {
  let server: Server;
  let answer: (response: ServerResponse) => void;
  let jobs: RayJobs;
  let address: string;

  before(async () => {
    server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    jobs = new RayJobs(address, 'secret', { silenceMs: 100, answerBytes: 1000 });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const fails = (rule: string) =>
    assert.rejects(jobs.logs('a'), (error: Error) => {
      assert.equal(error.message, `Cannot reach Ray at ${address} as it must answer: ${rule}`);
      return !/secret/.test(error.stack ?? '');
    });

  it('gives what Ray answers', async () => {
    answer = (response) => response.end('{"logs":"step 1"}');
    assert.equal(await jobs.logs('a'), 'step 1');
  });

  it('ends when Ray says nothing, or stops in the middle', async () => {
    answer = () => {};
    await fails('it is silent for 0.1 s');
    answer = (response) => void response.write('{"lo');
    await fails('it is silent for 0.1 s');
  });

  it('ends when an answer breaks off', async () => {
    answer = (response) => response.write('{"lo', () => response.destroy());
    await fails('aborted');
  });

  it('refuses an answer that is too long', async () => {
    answer = (response) => response.end('a'.repeat(1001));
    await fails('it has more than 1000 bytes for /api/jobs/a/logs');
  });

  it('goes nowhere that Ray redirects to', async () => {
    answer = (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
    await assert.rejects(jobs.logs('a'), /^RayJobsError: .* it answers 307/);
  });

  it('refuses addresses of other kinds, and with passwords', () => {
    for (const [other, message] of [
      [
        'ray://me:hunter2@10.0.0.1:10001',
        'an address as it must start with http:// or https://: current value is "ray://...@10.0.0.1:10001"',
      ],
      [
        'http://me:hunter2@10.0.0.1:8265',
        'http://10.0.0.1:8265 as its address must hold no user name and no password, which would be written to logs',
      ],
      [
        'me:hunter2@',
        'an address as it must start with http:// or https://: current value is "...@"',
      ],
      ['10.0.0.1', 'an address as it must be a URL: current value is "10.0.0.1"'],
    ]) {
      assert.throws(() => new RayJobs(other, 'secret'), { message: `Cannot send to ${message}` });
    }
  });
});

// server-child PORT: a server of rewards in a process of its own; it prints its address.
import { createServer } from 'node:http';

createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { images } = JSON.parse(Buffer.concat(parts).toString()) as { images: string[] };
    const scores = images.map((image) => (image.length % 97) / 97);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ scores }));
  });
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'));
process.on('disconnect', () => process.exit());

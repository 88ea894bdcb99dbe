import { spawn } from 'node:child_process';

/**
 * Runs a program and collects what it prints.
 *
 * @param options `onLine(line)` sees each line as it comes; the rest goes to `spawn`
 * @returns `{code, stdout, stderr}`; `code` is null when the program could not be started
 */
export function runCommand(program, parameters, { onLine, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      let rest = '';
      child[name].setEncoding('utf8').on('data', (chunk) => {
        text[name] += chunk;
        if (!onLine) return;
        const lines = (rest + chunk).split(/[\r\n]+/);
        rest = lines.pop();
        for (const line of lines) onLine(line);
      });
    }
    const stop = () => child.kill();
    process.once('exit', stop);
    child.on('error', (error) => {
      process.removeListener('exit', stop);
      resolve({ code: null, stdout: text.stdout, stderr: error.message });
    });
    child.on('close', (code, signal) => {
      process.removeListener('exit', stop);
      resolve({ code: code ?? 128, signal, ...text });
    });
  });
}

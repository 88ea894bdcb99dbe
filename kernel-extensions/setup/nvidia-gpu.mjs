import { runCommand } from './run-command.mjs';

/** Name and driver of the first NVIDIA GPU that nvidia-smi shows; null without one. */
export async function nvidiaGpu() {
  const { code, stdout } = await runCommand('nvidia-smi', [
    '--query-gpu=name,driver_version',
    '--format=csv,noheader',
  ]);
  return code === 0 && stdout.trim() ? stdout.trim().split('\n')[0] : null;
}

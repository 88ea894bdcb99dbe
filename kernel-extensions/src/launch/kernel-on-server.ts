import type { CellExecutor } from '../notebook/execute-notebook';
import type { KernelPlace, NotebookKernel } from '../script/run-notebook-file';
import { JupyterServer, type JupyterServerOptions } from './jupyter-server';
import { ServerKernel } from './server-kernel';

export interface KernelOnServerOptions
  extends KernelPlace, Pick<JupyterServerOptions, 'cache' | 'python'> {
  /** Name of the notebook's file, which the server starts the kernel for. */
  notebook: string;
  /** Sees what cells print, as it comes. */
  onText: (name: 'stdout' | 'stderr', text: string) => void;
}

/** Starts a real Jupyter server and on it a kernel, as JupyterLab does, in the notebook's own folder. Both end together. */
export async function kernelOnServer(options: KernelOnServerOptions): Promise<NotebookKernel> {
  const { cwd, env, signal, notebook, onText } = options;
  const server = await JupyterServer.start({
    cache: options.cache,
    python: options.python,
    application: 'jupyter_server',
    port: 0,
    rootFolder: cwd,
    environment: env,
    signal,
  });
  let kernel: ServerKernel;
  try {
    kernel = await ServerKernel.start(server, notebook, 'flowbook', signal);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    ...heardBy(kernel, onText),
    interrupt: () => kernel.interrupt(),
    kill: () => kernel.giveUp(),
    async shutdown() {
      await kernel.shutdown();
      await server.stop();
    },
  };
}

/** The kernel, with what its cells print also told to `onText`. */
function heardBy(kernel: ServerKernel, onText: KernelOnServerOptions['onText']): CellExecutor {
  return {
    execute: (code, { onOutput }) =>
      kernel.execute(code, {
        onOutput: (output) => {
          onOutput(output);
          if (output.output_type === 'stream') onText(output.name, output.text);
        },
      }),
  };
}

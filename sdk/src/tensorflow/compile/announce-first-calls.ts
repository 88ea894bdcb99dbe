import type { FirstCallProgress } from './first-call';

/** So long a first call goes on without a word. */
const SILENT_MS = 2000;

/** Says on stderr that something compiles, once, when one of its first calls has lasted over two seconds. */
export function announceFirstCalls(): (progress: FirstCallProgress) => void {
  let isSaid = false;
  let timer: NodeJS.Timeout | undefined;
  return ({ name, stage, elapsedMs }) => {
    clearTimeout(timer);
    if (isSaid || stage !== 'compiling') return;
    const say = () => {
      isSaid = true;
      process.stderr.write(`compiling ${name} ...\n`);
    };
    const leftMs = SILENT_MS - elapsedMs;
    if (leftMs <= 0) say();
    else timer = setTimeout(say, leftMs).unref();
  };
}

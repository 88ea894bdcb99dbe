import { cpus } from 'node:os';
import { join } from 'node:path';
import { startPython, type ReferencePython } from '../reference/reference-python';

/** Both sides get as many threads as there are cores. */
const threads = String(cpus().length);

/** glibc keeps what was freed: otherwise PyTorch spends up to half of its time on page faults. */
const allocator = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 32),
};

/** PyTorch's side, tuned for speed; `isTuned: false` leaves it as a user finds it. */
export function startPeer({ isTuned = true } = {}): Promise<ReferencePython> {
  return startPython(join(__dirname, 'peer'), {
    OMP_NUM_THREADS: threads,
    ...(isTuned ? allocator : {}),
  });
}

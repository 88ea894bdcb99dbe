// Makes the start image in the background; the kernel starts this where it found none.
import { setPriority } from 'node:os';
import { ensureStartImage } from './start-image.mjs';

try {
  setPriority(19);
} catch {
  // not every system lets a process step back
}
await ensureStartImage();

/** The first byte of a pickle of protocol 2 and later; its version follows. */
const PROTO = 0x80;
const STOP = 0x2e;

/** Whether bytes look like a Python pickle of protocol 2 to 5. */
export function isPickle(bytes: Uint8Array): boolean {
  return bytes[0] === PROTO && bytes[1] >= 2 && bytes[1] <= 5 && bytes.at(-1) === STOP;
}

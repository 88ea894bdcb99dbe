/** One message on a comm. */
export interface CommMessage {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  /** Binary parts, sent beside the JSON. */
  buffers: Uint8Array[];
}

/** A two-way channel between a notebook's code and its front end (Jupyter's "comm"). */
export interface Comm {
  readonly id: string;
  readonly targetName: string;
  /** True once either side has closed it; then nothing can be sent. */
  readonly closed: boolean;
  /** Sends `data` to the front end, with `buffers` as they are. Throws when the comm is closed. */
  send(data: Record<string, unknown>, options?: Partial<Omit<CommMessage, 'data'>>): void;
  /**
   * Calls `handler` for every message from the front end, also while a cell runs. What it prints and
   * displays goes to the cell that opened the comm (or registered its target). Returns how to stop it.
   */
  onMessage(handler: (message: CommMessage) => unknown): () => void;
  /** Calls `handler` once, when the front end closes the comm. */
  onClose(handler: (message: CommMessage) => unknown): () => void;
  /** Closes it and tells the front end so, with `data`; does nothing once it is closed. */
  close(data?: Record<string, unknown>): void;
}

/** How a comm is opened: what the front end is told at once, and an id of one's own. */
export interface CommOptions extends Partial<CommMessage> {
  id?: string;
}

/** @internal What the kernel puts at `globalThis[Symbol.for('flowbook.comms')]`. */
export interface CommHost {
  open(targetName: string, options: CommOptions): Comm;
  register(targetName: string, opened: (comm: Comm, message: CommMessage) => unknown): () => void;
}

const key = Symbol.for('flowbook.comms');

function host(): CommHost | undefined {
  return (globalThis as { [key]?: CommHost })[key];
}

function requireHost(attempt: string): CommHost {
  const found = host();
  if (!found) throw new Error(`Cannot ${attempt} as the code must run in the Flowbook kernel`);
  return found;
}

/**
 * Whether the code runs where comms can be opened: in Flowbook's kernel, not in a script.
 *
 * @example
 * commsAvailable(); // false // here, in a script
 */
export function commsAvailable(): boolean {
  return host() !== undefined;
}

/**
 * Opens a comm to the front end's target of that name (`jupyter.widget` is that of Jupyter's widgets).
 *
 * @throws Outside Flowbook's kernel.
 *
 * @example
 * if (commsAvailable()) {
 *   const comm = openComm('jupyter.widget', {
 *     data: { state: { _model_name: 'FloatProgressModel', value: 0.5 }, buffer_paths: [] },
 *     metadata: { version: '2.1.0' },
 *   });
 *   comm.onMessage(({ data }) => console.log(data));
 * }
 */
export function openComm(targetName: string, options: CommOptions = {}): Comm {
  return requireHost(`open a comm to "${targetName}"`).open(targetName, options);
}

/**
 * Has `opened` called when the front end opens a comm to `targetName`; if it throws, the comm is closed.
 * A later registration replaces an earlier one.
 *
 * @returns Takes the target away again.
 * @throws Outside Flowbook's kernel.
 *
 * @example
 * if (commsAvailable()) registerCommTarget('echo', (comm) => comm.onMessage(({ data }) => comm.send(data)));
 */
export function registerCommTarget(
  targetName: string,
  opened: (comm: Comm, message: CommMessage) => unknown,
): () => void {
  return requireHost(`register the comm target "${targetName}"`).register(targetName, opened);
}

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { jsonCopy, jsonEntries } from '../../display/json-copy';
import type { Comm, CommHost, CommMessage, CommOptions } from '../comms';
import type { CommTraffic } from '../engine-messages';
import type { CellContext } from './cell-context';

type Handler = (message: CommMessage) => unknown;

/** What the registry needs of the engine. */
export interface CommSurroundings {
  send(traffic: CommTraffic): void;
  currentCell(): CellContext;
  /** Calls back on behalf of `cell`, from the event loop; reports what is thrown. */
  callBack(cell: CellContext, work: () => unknown): void;
}

/** Both ends' comms as code in cells sees them. */
export class CommRegistry implements CommHost {
  private readonly comms = new Map<string, OpenComm>();
  private readonly targets = new Map<
    string,
    { cell: CellContext; opened: (comm: Comm, message: CommMessage) => unknown }
  >();

  constructor(private readonly surroundings: CommSurroundings) {}

  open(targetName: string, { id = randomUUID(), ...message }: CommOptions): Comm {
    if (this.comms.has(id)) {
      throw new Error(`Cannot open a comm as its id must be new: current value is ${id}`);
    }
    const comm = this.add(id, targetName, this.surroundings.currentCell());
    this.send(comm, 'comm_open', message);
    return comm;
  }

  register(targetName: string, opened: (comm: Comm, message: CommMessage) => unknown): () => void {
    const target = { cell: this.surroundings.currentCell(), opened };
    this.targets.set(targetName, target);
    return () => {
      if (this.targets.get(targetName) === target) this.targets.delete(targetName);
    };
  }

  /** Takes a message of the front end. */
  receive({ type, id, targetName, data, metadata, buffers }: CommTraffic): void {
    const message = { data, metadata, buffers };
    if (type === 'comm_open') return this.openedByFrontEnd(id, targetName ?? '', message);
    const comm = this.comms.get(id);
    if (!comm) return;
    if (type === 'comm_close') {
      this.comms.delete(id);
      comm.closed = true;
    }
    const { callBack } = this.surroundings;
    const handlers = type === 'comm_close' ? comm.closeHandlers : comm.messageHandlers;
    // Looked up in its turn: who opened the comm just before may have its handlers still to be set.
    callBack(comm.cell, () => {
      for (const handler of handlers) callBack(comm.cell, () => handler(message));
    });
  }

  send(comm: OpenComm, type: CommTraffic['type'], message: Partial<CommMessage> = {}): void {
    if (comm.closed) {
      throw new Error(`Cannot send on a comm as it must be open: "${comm.targetName}" was closed`);
    }
    const { data, metadata, buffers = [] } = message;
    const { id, targetName } = comm;
    this.surroundings.send({
      type,
      id,
      ...(type === 'comm_open' ? { targetName } : {}),
      cell: comm.cell.id,
      data: jsonOf(targetName, data),
      metadata: jsonOf(targetName, metadata),
      buffers: buffers.map((buffer) => bytesOf(targetName, buffer)),
    });
    if (type !== 'comm_close') return;
    comm.closed = true;
    this.comms.delete(id);
  }

  private add(id: string, targetName: string, cell: CellContext): OpenComm {
    const comm = new OpenComm(id, targetName, cell, this);
    this.comms.set(id, comm);
    return comm;
  }

  private openedByFrontEnd(id: string, targetName: string, message: CommMessage): void {
    const target = this.targets.get(targetName);
    const cell = target?.cell ?? this.surroundings.currentCell();
    const comm = this.add(id, targetName, cell);
    if (!target) return this.send(comm, 'comm_close');
    this.surroundings.callBack(cell, () => {
      try {
        return target.opened(comm, message);
      } catch (error) {
        if (!comm.closed) comm.close();
        throw error;
      }
    });
  }
}

/** What JSON holds of data, whatever its kind; empty where that is nothing. */
function jsonOf(targetName: string, data: Record<string, unknown> = {}): CommTraffic['data'] {
  const on = `on the comm "${targetName}"`;
  try {
    const copy = jsonCopy(`send data ${on}`, data);
    return copy === undefined ? {} : (copy as CommTraffic['data']);
  } catch (error) {
    jsonEntries((key) => `send ${JSON.stringify(key)} ${on}`, data); // which names the key
    throw error;
  }
}

/** A buffer's bytes; JavaScript's own ArrayBuffer is taken, too. */
function bytesOf(targetName: string, buffer: unknown): Uint8Array {
  if (ArrayBuffer.isView(buffer)) {
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  throw new TypeError(
    `Cannot send on the comm "${targetName}" as its buffers must be bytes: current value is ${inspect(buffer)}`,
  );
}

class OpenComm implements Comm {
  closed = false;
  readonly messageHandlers = new Set<Handler>();
  readonly closeHandlers = new Set<Handler>();

  constructor(
    readonly id: string,
    readonly targetName: string,
    readonly cell: CellContext,
    private readonly registry: CommRegistry,
  ) {}

  send(data: Record<string, unknown>, options: Partial<Omit<CommMessage, 'data'>> = {}): void {
    this.registry.send(this, 'comm_msg', { ...options, data });
  }

  onMessage(handler: Handler): () => void {
    return added(this.messageHandlers, handler);
  }

  onClose(handler: Handler): () => void {
    return added(this.closeHandlers, handler);
  }

  close(data: Record<string, unknown> = {}): void {
    if (!this.closed) this.registry.send(this, 'comm_close', { data });
  }
}

function added(handlers: Set<Handler>, handler: Handler): () => void {
  handlers.add(handler);
  return () => void handlers.delete(handler);
}

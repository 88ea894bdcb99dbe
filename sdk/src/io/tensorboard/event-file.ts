import { hostname } from 'node:os';
import { join } from 'node:path';
import { appendWhole } from '../append-whole';
import { maskedCrc32c } from './crc32c';
import {
  bytesField,
  doubleField,
  floatField,
  integerField,
  messageField,
  type EncodedField,
} from './protocol-buffer';

/** Fields of TensorFlow's event.proto and summary.proto that are written. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2, image: 4 };
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 };
const SESSION_STATUS = 1;
const SESSION_START = 1;
const RGB = 3;

/** A picture for TensorBoard. */
export interface EventImage {
  width: number;
  height: number;
  png: Uint8Array;
}

let filesMade = 0;

const PREFIX = 'events.out.tfevents.';

/** Whether a file's name is one that TensorBoard reads. */
export function isEventFile(name: string): boolean {
  return name.startsWith(PREFIX);
}

/**
 * A file that TensorBoard shows (`tensorboard --logdir`): numbers and pictures by name and step. Each call is on disk when it
 * returns; where the disk is full, no part of it, and the call throws. Records are TFRecords of `Event` protocol buffers, as
 * TensorFlow's own writer makes them.
 *
 * @example
 * const events = new EventFile('runs/example');
 * events.scalars(1, { reward: 0.25 });
 */
export class EventFile {
  readonly path: string;

  /**
   * @param folder Is made when it is missing.
   * @param options.startStep What other files of the folder hold from this step on counts no longer. Default: all counts.
   */
  constructor(folder: string, { startStep = null }: { startStep?: number | null } = {}) {
    const seconds = Math.floor(Date.now() / 1000);
    const name = `${PREFIX}${seconds}.${hostname()}.${process.pid}.${filesMade++}`;
    this.path = join(folder, name);
    this.#write(0, bytesField(EVENT.fileVersion, 'brain.Event:2'));
    if (startStep !== null) {
      const started = messageField(EVENT.sessionLog, [integerField(SESSION_STATUS, SESSION_START)]);
      this.#write(startStep, started);
    }
  }

  /** Numbers by name; what is not finite is written as well. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    this.#summary(
      step,
      Object.entries(values).map(([name, value]) => [
        bytesField(VALUE.tag, name),
        floatField(VALUE.simpleValue, value),
      ]),
    );
  }

  /** Pictures by name. */
  images(step: number, images: Readonly<Record<string, EventImage>>): void {
    this.#summary(
      step,
      Object.entries(images).map(([name, { width, height, png }]) => [
        bytesField(VALUE.tag, name),
        messageField(VALUE.image, [
          integerField(IMAGE.height, height),
          integerField(IMAGE.width, width),
          integerField(IMAGE.colorspace, RGB),
          bytesField(IMAGE.encoded, png),
        ]),
      ]),
    );
  }

  #summary(step: number, values: readonly (readonly EncodedField[])[]): void {
    if (values.length === 0) return;
    const fields = values.map((value) => messageField(SUMMARY_VALUE, value));
    this.#write(step, messageField(EVENT.summary, fields));
  }

  #write(step: number, what: EncodedField): void {
    const time = doubleField(EVENT.wallTime, Date.now() / 1000);
    const event = Buffer.concat([time, integerField(EVENT.step, step), what]);
    appendWhole(this.path, record(event), 'a record');
  }
}

/** A TFRecord: length, its checksum, the data, their checksum. */
function record(data: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

function checksum(bytes: Uint8Array): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(maskedCrc32c(bytes));
  return sum;
}

import { RandomKey } from '../core/random-key';
import type { PixelImage } from '../core/pixel-image';
import type { RolloutTensors } from '../pipelines';
import type {
  PartEmbeddings,
  RolledOutPart,
  RolloutPart,
  RolloutPartSettings,
} from '../training/rollout-part';
import { EMBEDDING_FIELDS } from '../training/embedding-fields';
import { tf } from '../tensorflow';
import type { Frame, FrameHeader } from './frame';
import { decodePayload, encodePayload } from './tensor-payload';

const EMBEDDING_NAMES = Object.keys(EMBEDDING_FIELDS) as (keyof PartEmbeddings)[];

/** A part's key, rows and settings as JSON, and its embeddings. */
export function encodePart(part: RolloutPart): Frame {
  const { key, groupSize, start, size, settings } = part;
  const embeddings = part.embeddings();
  try {
    const given = EMBEDDING_NAMES.flatMap((name) => {
      const tensor = embeddings[name];
      return tensor === null ? [] : [[name, tensor] as const];
    });
    const header = { key: key.words, groupSize, start, size, settings };
    return { header, payload: encodePayload(given) };
  } finally {
    tf.dispose(Object.values(embeddings).filter((tensor) => tensor !== null));
  }
}

/** The part that a frame holds. */
export function decodePart({ header, payload }: Frame): RolloutPart {
  const { key, groupSize, start, size, settings } = header as {
    key: [number, number];
    groupSize: number;
    start: number;
    size: number;
    settings: RolloutPartSettings;
  };
  return {
    key: RandomKey.fromWords(key),
    groupSize,
    start,
    size,
    settings,
    embeddings: () => {
      const { tensors } = decodePayload(payload);
      return Object.fromEntries(
        EMBEDDING_NAMES.map((name) => [name, tensors.get(name) ?? null]),
      ) as PartEmbeddings;
    },
  };
}

function areSame(a: tf.Tensor, b: tf.Tensor): boolean {
  if (a.shape.join() !== b.shape.join() || a.dtype !== b.dtype) return false;
  const [x, y] = [a.dataSync(), b.dataSync()].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return x.equals(y);
}

/**
 * What a part became. Embeddings that come back as they were sent are named and left out: in a large model they are most of
 * what there is to send.
 */
export function encodeResult({ tensors, images }: RolledOutPart, part: RolloutPart): Frame {
  const embeddings = part.embeddings();
  const named: [string, tf.Tensor][] = [];
  const absent: string[] = [];
  const echoed: string[] = [];
  try {
    for (const [name, tensor] of Object.entries(tensors) as [string, tf.Tensor | null][]) {
      const source = EMBEDDING_NAMES.find((one) => EMBEDDING_FIELDS[one] === name);
      const sent = source === undefined ? null : embeddings[source];
      if (tensor === null) absent.push(name);
      else if (sent !== null && areSame(sent, tensor)) echoed.push(name);
      else if (tensor !== undefined) named.push([name, tensor]);
    }
    const pictures = images.map(
      ({ width, height, data }, at) =>
        [
          `images.${at}`,
          { dtype: 'U8' as const, shape: [height, width, 3], bytes: () => data },
        ] as const,
    );
    return { header: { absent, echoed }, payload: encodePayload(named, pictures) };
  } finally {
    tf.dispose(Object.values(embeddings).filter((tensor) => tensor !== null));
  }
}

/** What `encodeResult` made, with the embeddings of the part that was sent. The caller owns the tensors. */
export function decodeResult({ header, payload }: Frame, part: RolloutPart): RolledOutPart {
  const { absent, echoed } = header as FrameHeader & { absent: string[]; echoed: string[] };
  const { tensors, bytes } = decodePayload(payload);
  const all: Record<string, tf.Tensor | null> = Object.fromEntries(tensors);
  for (const name of absent) all[name] = null;
  if (echoed.length > 0) {
    for (const [source, tensor] of Object.entries(part.embeddings())) {
      const name = EMBEDDING_FIELDS[source as keyof PartEmbeddings];
      if (echoed.includes(name)) all[name] = tensor;
      else tensor?.dispose();
    }
  }
  const images = Array.from(bytes.keys(), (_, at): PixelImage => {
    const { shape, data } = bytes.get(`images.${at}`) as { shape: number[]; data: Uint8Array };
    return { height: shape[0], width: shape[1], channels: 3, data };
  });
  return { tensors: all as RolloutTensors, images };
}

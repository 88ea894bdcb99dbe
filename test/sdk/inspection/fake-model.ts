import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What a fake model's component is like. */
export interface FakeComponent {
  library: string;
  className: string;
  config: object;
  /** Name to shape. */
  shapes: ReadonlyMap<string, readonly number[]>;
  stem: string;
  shards: number;
}

/**
 * Writes a model in bfloat16 whose files have real headers and the right sizes, but no bytes behind the headers: sparse
 * files, which take almost no room on disk.
 */
export function writeFakeModel(
  folder: string,
  className: string,
  components: Record<string, FakeComponent>,
): void {
  const index: Record<string, unknown> = { _class_name: className };
  for (const [name, component] of Object.entries(components)) {
    index[name] = [component.library, component.className];
    writeFakeComponent(join(folder, name), component);
  }
  writeFileSync(join(folder, 'model_index.json'), JSON.stringify(index));
}

/** Writes one component of such a model. */
export function writeFakeComponent(
  folder: string,
  { config, shapes, stem, shards }: FakeComponent,
): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const entries = [...shapes];
  const each = Math.ceil(entries.length / shards);
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const part = entries.slice(shard * each, (shard + 1) * each);
    const number = (value: number) => String(value).padStart(5, '0');
    const file =
      shards === 1
        ? `${stem}.safetensors`
        : `${stem}-${number(shard + 1)}-of-${number(shards)}.safetensors`;
    for (const [name] of part) weight_map[name] = file;
    writeSparse(join(folder, file), part);
  }
  if (shards === 1) return;
  const text = JSON.stringify({ metadata: {}, weight_map });
  writeFileSync(join(folder, `${stem}.safetensors.index.json`), text);
}

function writeSparse(path: string, tensors: [string, readonly number[]][]): void {
  let end = 0;
  const header = Object.fromEntries(
    tensors.map(([name, shape]) => {
      const start = end;
      end += 2 * shape.reduce((values, length) => values * length, 1);
      return [name, { dtype: 'BF16', shape, data_offsets: [start, end] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, Buffer.concat([length, text]));
  ftruncateSync(descriptor, 8 + text.length + end);
  closeSync(descriptor);
}

import type { SchemaElement } from 'hyparquet' with { 'resolution-mode': 'import' };

/** A column or field: text, whole number, yes or no, a structure of fields, or a list of structures. */
export type Field =
  'text' | 'integer' | 'boolean' | { fields: Fields } | { list: { fields: Fields } };
export type Fields = Readonly<Record<string, Field>>;

function schemaOf(name: string, field: Field): SchemaElement[] {
  const repetition_type = 'OPTIONAL' as const;
  if (field === 'text') {
    return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type }];
  }
  if (field === 'integer') return [{ name, type: 'INT64', repetition_type }];
  if (field === 'boolean') return [{ name, type: 'BOOLEAN', repetition_type }];
  if ('list' in field) {
    return [
      { name, repetition_type, num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...schemaOf('element', field.list),
    ];
  }
  const { fields } = field;
  return [
    { name, repetition_type, num_children: Object.keys(fields).length },
    ...Object.entries(fields).flatMap(([inner, type]) => schemaOf(inner, type)),
  ];
}

/** Whole numbers of a file are 64 bits wide, as Python's are. */
function stored(value: unknown): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(stored);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, stored(inner)]));
}

/** Rows as the bytes of a Parquet file: the same rows give the same bytes. */
export async function parquetFile(
  columns: Fields,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const schema: SchemaElement[] = [
    { name: 'schema', num_children: Object.keys(columns).length },
    ...Object.entries(columns).flatMap(([name, field]) => schemaOf(name, field)),
  ];
  const columnData = Object.keys(columns).map((name) => ({
    name,
    data: rows.map((row) => stored(row[name])),
  }));
  return new Uint8Array(parquetWriteBuffer({ schema, columnData, createdBy: 'flowbook' }));
}

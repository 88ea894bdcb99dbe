import { z } from 'zod';

/** What is known of a configuration key besides its type, rule and default. */
export interface KeyNote {
  /** It belongs to what Flowbook has no part of, such as a cluster: accepted, and without effect. */
  withoutEffect?: true;
  /** Dotted key that it takes its value from unless it is set. */
  follows?: string;
}

type Json = z.core.util.JSONType;

/** Defaults of keys without effect: values, and sections of them. */
export interface Defaults {
  [key: string]: Json;
}

/** Shapes of keys without effect have no part in the types of a configuration. */
type UntypedShape = Record<never, z.ZodType>;

const notes = z.registry<KeyNote>();

/** The note of a key, empty when there is none. */
export function noteOf(schema: z.core.$ZodType): KeyNote {
  return notes.get(schema) ?? {};
}

/** A key that takes another key's value unless it is set, and `fallback` where there is no other key. */
export function follows<Schema extends z.ZodType>(
  schema: Schema,
  key: string,
  fallback: z.util.NoUndefined<z.output<Schema>>,
): z.ZodDefault<Schema> {
  const following = schema.default(fallback);
  notes.add(following, { follows: key });
  return following;
}

/** A value without effect, whose type is not checked; it may follow another key. */
export function withoutEffect(value: Json, follows?: string): z.ZodDefault<z.ZodType<Json>> {
  const key = (z.json() as z.ZodType<Json>).default(value as z.util.NoUndefined<Json>);
  notes.add(key, { withoutEffect: true, follows });
  return key;
}

/** Keys without effect, for a section that has others too. An empty section takes any keys. */
export function shapeWithoutEffect(defaults: Defaults): UntypedShape {
  return Object.fromEntries(
    Object.entries(defaults).map(([key, value]) => [
      key,
      isDefaults(value) ? sectionWithoutEffect(value) : withoutEffect(value),
    ]),
  );
}

/** A section without effect. It may be given keys that are not listed, as upstream's own classes have more. */
function sectionWithoutEffect(defaults: Defaults): z.ZodType {
  const section = z.looseObject(shapeWithoutEffect(defaults)).prefault({});
  notes.add(section, { withoutEffect: true });
  return section;
}

function isDefaults(value: Json): value is Defaults {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same keys, each with its default, or with the value of the key of that name in another section. */
export function withDefaults<
  Keys extends Record<string, z.ZodType>,
  Values extends { [Key in keyof Keys]: z.output<Keys[Key]> },
>(
  keys: Keys,
  defaults: Values,
  followed?: string,
): { [Key in keyof Keys]: z.ZodDefault<Keys[Key]> } {
  return Object.fromEntries(
    Object.entries(keys).map(([key, schema]) => [
      key,
      followed === undefined
        ? schema.default(defaults[key] as never)
        : follows(schema, `${followed}.${key}`, defaults[key] as never),
    ]),
  ) as { [Key in keyof Keys]: z.ZodDefault<Keys[Key]> };
}

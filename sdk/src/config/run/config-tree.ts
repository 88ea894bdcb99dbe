import { z } from 'zod';
import { nearestKey } from './nearest-key';
import type { Override } from './parse-override';
import { asSection, defaultsOf, NOT_IN_UPSTREAM_YAML, unwrap } from './run-schema';

type Section = Record<string, unknown>;

/** A place in the schema: a schema, or anything, within a value that is not looked into. */
type Place = z.core.$ZodType | 'anything';

/** A class of upstream's Python that a section of its files names. Nothing here is made from it. */
const TARGET = '_target_';

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function refusal(rule: string, origin: string): Error {
  return new Error(`Cannot read the configuration as ${rule} (${origin})`);
}

/**
 * A configuration on its way: the schema's defaults, and what is written over them. Sections are merged key by key; lists
 * and values are replaced. Interpolations are kept as they are written.
 */
export class ConfigTree {
  readonly root: Section;
  /** Dotted keys that were written. */
  readonly given = new Set<string>();
  /** Names of upstream's classes, by dotted key. */
  readonly targets = new Map<string, unknown>();

  constructor(readonly schema: z.ZodObject) {
    this.root = defaultsOf(schema);
  }

  /** Writes a tree over this one. @throws On a key that is not known. */
  merge(tree: Section, origin: string): void {
    this.#write(this.root, this.schema, [], tree, { origin, adds: true });
  }

  /** Applies one override by Hydra's rules. @throws On a key that is not known, is taken or is missing. */
  apply({ text, action, key, value }: Override): void {
    const origin = `override "${text}"`;
    const name = key.join('.');
    const last = key[key.length - 1];
    const parent = this.#find(key.slice(0, -1));
    const present = isSection(parent) && Object.hasOwn(parent, last);
    if (action === 'remove') {
      if (!present) throw this.#unknown(key, origin);
      const current = JSON.stringify(parent[last]);
      if (value !== undefined && JSON.stringify(value) !== current) {
        throw refusal(
          `${name} is removed only where it has this value, and it is ${current}`,
          origin,
        );
      }
      delete parent[last];
      return;
    }
    const taken = present && parent[last] !== null && parent[last] !== '???';
    const merges = typeof value === 'object' && value !== null;
    if (action === 'add' && taken && !merges && !NOT_IN_UPSTREAM_YAML.has(name)) {
      throw refusal(
        `${name} has a value already: leave out "+", or write "++" to set it either way`,
        origin,
      );
    }
    const patch = key.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value) as Section;
    this.#write(this.root, this.schema, [], patch, { origin, adds: action !== 'set' });
  }

  #find(key: readonly string[]): unknown {
    let node: unknown = this.root;
    for (const part of key) {
      if (!isSection(node) || !Object.hasOwn(node, part)) return undefined;
      node = node[part];
    }
    return node;
  }

  #write(
    node: Section,
    place: Place,
    path: readonly string[],
    patch: Section,
    from: { origin: string; adds: boolean },
  ): void {
    for (const [key, value] of Object.entries(patch)) {
      const at = [...path, key];
      if (key === TARGET) {
        this.targets.set(at.join('.'), value);
        continue;
      }
      const known = Object.hasOwn(node, key);
      const child = childOf(place, key, known || from.adds);
      if (child === null) {
        throw this.#unknown(at, from.origin, childOf(place, key, true) !== null);
      }
      if (!isSection(value) || !isOpen(child)) {
        node[key] = value;
        this.given.add(at.join('.'));
        continue;
      }
      const section = known && isSection(node[key]) ? node[key] : {};
      node[key] = section;
      this.#write(section, child, at, value, from);
      if (Object.keys(value).length === 0) this.given.add(at.join('.'));
    }
  }

  #unknown(key: readonly string[], origin: string, mayBeAdded = false): Error {
    const name = key.join('.');
    const hint = mayBeAdded ? `; "+${name}=" adds it` : '';
    return refusal(
      `there is no key "${name}": the nearest is "${nearestKey(name, this.schema)}"${hint}`,
      origin,
    );
  }
}

/** The place below `key`, or null when there is none. `mayAdd`: where the place takes keys that it does not list. */
function childOf(place: Place, key: string, mayAdd: boolean): Place | null {
  if (key === '__proto__') return null;
  if (place === 'anything') return 'anything';
  const section = asSection(place);
  if (section !== null) {
    if (Object.hasOwn(section.shape, key)) return section.shape[key];
    return mayAdd && section.def.catchall instanceof z.ZodUnknown ? 'anything' : null;
  }
  const { inner } = unwrap(place);
  if (inner instanceof z.ZodRecord) return mayAdd ? inner.valueType : null;
  return inner instanceof z.ZodLazy ? 'anything' : null;
}

/** Whether a section can stand at a place. */
function isOpen(place: Place): boolean {
  if (place === 'anything') return true;
  const { inner } = unwrap(place);
  return [z.ZodObject, z.ZodRecord, z.ZodLazy].some((kind) => inner instanceof kind);
}

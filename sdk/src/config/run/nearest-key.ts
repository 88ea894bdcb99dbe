import type { z } from 'zod';
import { misspelling, nearestName } from '../../core/nearest-name';
import { asSection } from './run-schema';

/** Dotted keys of all values of a schema. */
function keysOf(section: z.ZodObject, path: readonly string[] = []): string[] {
  return Object.entries(section.shape).flatMap(([key, schema]) => {
    const inside = asSection(schema);
    const at = [...path, key];
    return inside === null || Object.keys(inside.shape).length === 0
      ? [at.join('.')]
      : [at.join('.'), ...keysOf(inside, at)];
  });
}

/**
 * The key that an unknown one was most likely meant to be: one of the same section that is spelled much alike, or else one
 * of the same name elsewhere, or else the one whose whole name is nearest.
 */
export function nearestKey(name: string, schema: z.ZodObject): string {
  const keys = keysOf(schema);
  const [section, last] = split(name);
  const siblings = keys.filter((key) => split(key)[0] === section);
  const near = nearestName(name, siblings);
  if (near !== null && misspelling(name, near) <= Math.ceil(last.length / 3)) return near;
  const namesakes = keys.filter((key) => split(key)[1] === last);
  return nearestName(name, namesakes) ?? nearestName(name, keys) ?? name;
}

function split(key: string): [section: string, last: string] {
  const dot = key.lastIndexOf('.');
  return [key.slice(0, Math.max(dot, 0)), key.slice(dot + 1)];
}

/** The values of a tree by dotted key. An empty section counts as a value. */
export function flatKeys(tree: object, path = ''): Map<string, unknown> {
  const keys = new Map<string, unknown>();
  for (const [key, value] of Object.entries(tree)) {
    const name = path + key;
    const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isSection || Object.keys(value as object).length === 0) keys.set(name, value);
    else for (const [inner, one] of flatKeys(value as object, `${name}.`)) keys.set(inner, one);
  }
  return keys;
}

/**
 * Names of a function's parameters, read from its source. A leading underscore marks one that a
 * default implementation does not use, and the compiler renames `module` to `module2`; a pattern or a default stands for an options object.
 * `requiredOptions` are the names of a pattern that have no default.
 */
export function parameterNames(callable: unknown): {
  required: string[];
  takesOptions: boolean;
  requiredOptions: string[];
} {
  const source = String(callable);
  const start = source.startsWith('class') ? source.indexOf('constructor(') : 0;
  const list = topLevelParts(source.slice(source.indexOf('(', start) + 1));
  const isOptions = (part: string) => /^[{[]/.test(part) || part.includes('=');
  const required = list.filter((part) => !isOptions(part));
  return {
    required: required.map((name) => name.replace(/^_/, '').replace(/^module2$/, 'module')),
    takesOptions: list.some(isOptions),
    requiredOptions: list
      .filter((part) => part.startsWith('{'))
      .flatMap((part) => topLevelParts(part.slice(1, part.lastIndexOf('}'))))
      .filter((part) => !part.includes('=')),
  };
}

/** Splits a parameter list at its own commas, up to its closing bracket. */
function topLevelParts(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if (depth === 0 && character === ')') break;
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
    if (depth === 0 && character === ',') parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

import type { Parameter } from '../notebook/parameters';

/** The entry of a parameter in the script's table of flags: `steps: flag.number(40, 'training iterations')`. */
export function flagEntry({ name, rule, help, initializer }: Parameter, flag: string): string {
  const args = [initializer.getText()];
  if (rule.kind === 'choice')
    args.unshift(`[${rule.choices!.map((one) => JSON.stringify(one)).join(', ')}]`);
  // The default of a list that may be null does not say how many numbers it has.
  if (rule.length !== undefined && rule.nullable) args.unshift(String(rule.length));
  if (help !== '') args.push(JSON.stringify(help));
  return `${name}: ${flag}.${maker(rule)}(${args.join(', ')})`;
}

function maker({ kind, length, nullable }: Parameter['rule']): string {
  if (length !== undefined) return nullable ? 'tupleOrNull' : 'tuple';
  if (kind === 'choice') return 'choice';
  const base = kind.endsWith('[]') ? `${kind.slice(0, -2)}s` : kind;
  return nullable ? `${base}OrNull` : base;
}

import { InvalidArgumentError } from 'commander';

/** Collects a repeatable option `name=value` by name; the last one of a name counts. */
export function collectNameValue(text: string, before: Map<string, string>): Map<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It must be name=value.');
  return new Map([...before, [name, value]]);
}

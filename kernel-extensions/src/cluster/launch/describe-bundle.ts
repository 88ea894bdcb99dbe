import { formatBytes } from '@flowbook/sdk/format-bytes';
import { plural } from '../../display/numbers';
import type { BundleFiles } from './bundle';

/**
 * What is sent, file by file with sizes, and what is not, a line each.
 *
 * @param most Files that are named; of more, the largest.
 */
export function describeBundle(sent: BundleFiles, most = Infinity): string[] {
  const { files, sizes, bytes, runs, ignored, secrets, outside, noFiles } = sent;
  const sizeOf = (file: string): number => sizes.get(file) ?? 0;
  const bySize = [...files].sort((one, other) => sizeOf(other) - sizeOf(one));
  const named = files.length <= most ? files : bySize.slice(0, most);
  const rest = bySize.slice(named.length);
  return [
    `Sends ${plural(files.length, 'file')}, ${formatBytes(bytes)}:`,
    ...named.map((file) => `${formatBytes(sizeOf(file)).padStart(10)}  ${file}`),
    ...(rest.length > 0
      ? [`  and ${rest.length} more, each of at most ${formatBytes(sizeOf(rest[0]))}`]
      : []),
    ...(ignored.length > 0 ? [`Does not send what git ignores: ${inFew(ignored)}`] : []),
    ...(runs.length > 0 ? [`Does not send what runs wrote: ${inFew(runs)}`] : []),
    ...secrets.map((file) => `Does not send ${file}, which looks like a secret`),
    ...outside.map((file) => `Does not send ${file}, which leads out of the project`),
    ...[...noFiles].map(([name, what]) => `Does not send ${name}, which is ${what}`),
  ];
}

function inFew(names: readonly string[]): string {
  const more = names.length - 10;
  return more > 0 ? `${names.slice(0, 10).join(', ')} and ${more} more` : names.join(', ');
}

/** @throws When the bundle is larger than it may be; names its largest files. */
export function requireSize({ files, sizes, bytes }: BundleFiles, mostBytes: number): void {
  if (bytes <= mostBytes) return;
  const sizeOf = (file: string): number => sizes.get(file) ?? 0;
  const largest = [...files].sort((one, other) => sizeOf(other) - sizeOf(one)).slice(0, 3);
  throw new Error(
    `Cannot send the bundle as it must have at most ${formatBytes(mostBytes)} (--most-mb): current value is ${formatBytes(bytes)}, ` +
      `with ${largest.map((file) => `${file} (${formatBytes(sizeOf(file))})`).join(', ')}; name what the run needs with --include`,
  );
}

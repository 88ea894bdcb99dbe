import type { CompletionReply } from '../engine-messages';
import { completeImportPath, type ImportPlaces } from './import-paths';
import type { TslabAdapter } from '../tslab-adapter';

/** Completions for the name under the cursor. */
export function completeCode(
  tslab: TslabAdapter,
  { code, cursor }: { code: string; cursor: number },
  places: ImportPlaces,
): CompletionReply {
  const paths = completeImportPath(code, cursor, places);
  if (paths) return paths;
  const { start, end, candidates, original } = tslab.complete(code, cursor);
  const kinds = new Map(original?.entries.map((entry) => [entry.name, entry.kind]));
  return {
    matches: candidates,
    start,
    end,
    kinds: candidates.map((name) => kinds.get(name) ?? ''),
  };
}

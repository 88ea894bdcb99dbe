import { type DisplayBundle } from '../bundle';
import type { DisplaySink, PublishOptions } from './display-sink';

/** What tslab's `display` and `newDisplay` write through; null outside of its kernel. */
export interface TslabJupyter {
  lastWriteDisplayData:
    | ((
        content: {
          data: Record<string, unknown>;
          metadata?: Record<string, unknown>;
          transient?: { display_id?: string };
        },
        update: boolean,
      ) => void)
    | null;
}

/** Publishes through stock tslab, whose own display function allows one MIME type at a time. */
class TslabSink implements DisplaySink {
  constructor(private readonly jupyter: TslabJupyter) {}

  publish({ data, metadata }: DisplayBundle, { displayId, update }: PublishOptions): void {
    const transient = displayId === undefined ? {} : { display_id: displayId };
    this.jupyter.lastWriteDisplayData?.({ data, metadata, transient }, update);
  }
}

/** The sink of the stock tslab kernel that runs this process, or null when none does. */
export function stockTslabSink(): DisplaySink | null {
  // Only a loaded tslab can be the running kernel, so nothing is loaded here to find out.
  for (const [path, module] of Object.entries(require.cache)) {
    if (!/[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path)) continue;
    const jupyter = module?.exports as TslabJupyter | undefined;
    if (jupyter?.lastWriteDisplayData) return new TslabSink(jupyter);
  }
  return null;
}

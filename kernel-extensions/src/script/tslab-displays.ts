import * as path from 'node:path';
import type { DisplaySink } from '../display/sinks/display-sink';
import type { TslabJupyter } from '../display/sinks/tslab-sink';
import { publishInOrder } from '../display/publish-queue';

/** Sends what tslab's own `display` and `newDisplay` show to a sink, where a script has loaded tslab. */
export function connectTslabDisplays(sink: DisplaySink): void {
  for (const [file, module] of Object.entries(require.cache)) {
    if (!/[\\/]tslab[\\/]dist[\\/]public\.js$/.test(file) || !module) continue;
    const jupyter = module.require(path.join(path.dirname(file), 'jupyter.js')) as TslabJupyter;
    jupyter.lastWriteDisplayData = ({ data, metadata = {}, transient }, update) => {
      const displayId = transient?.display_id;
      void publishInOrder(undefined, () => sink.publish({ data, metadata }, { displayId, update }));
    };
  }
}

import { colour, config } from './theme';
import type { VegaLitePart, VegaLiteSpec } from './vega-lite-spec';

/** What every chart says besides its marks. */
export interface ChartFrame {
  title: string;
  /** One or more quiet lines below the title: the finding, units, what was left out. */
  subtitle?: string | string[];
  /** What is wrong with the data, drawn on the chart with a warning sign. */
  warnings?: string[];
  /** Alternative text for people who cannot see the chart. */
  description: string;
}

/** A whole Vega-Lite 5 specification: our look around a view. */
export function chartSpec(frame: ChartFrame, view: VegaLitePart): VegaLiteSpec {
  const warnings = (frame.warnings ?? []).map((warning) => `⚠ ${warning}`);
  const subtitle = [...[frame.subtitle ?? []].flat(), ...warnings];
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    description: [frame.description, ...warnings].join(' '),
    title: {
      text: frame.title,
      ...(subtitle.length > 0 && { subtitle }),
      ...(warnings.length > 0 && { subtitleColor: colour.alarm }),
    },
    // Also on a dark page a chart stands on its own white card.
    background: colour.card,
    config,
    ...view,
  };
}

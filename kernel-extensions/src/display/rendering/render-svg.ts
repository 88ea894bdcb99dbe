import { textWidth } from './font';
import type { VegaLiteSpec } from './vega-lite-spec';

/** A chart as SVG, with what Vega-Lite and Vega complained about. */
export interface RenderedSvg {
  svg: string;
  warnings: string[];
}

/** Text as Vega lays it out. */
interface TextItem {
  fontSize?: number;
  fontWeight?: string | number;
}

/** Renders a specification to SVG in plain Node, by Vega-Lite's compiler and Vega. */
export async function renderSvg(spec: VegaLiteSpec): Promise<RenderedSvg> {
  // Loaded on the first picture: a kernel's start must not wait for a chart library.
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  // Without a canvas Vega guesses 0.8 em a letter, which pulls axis titles and legends apart.
  const metrics = (vega as unknown as { textMetrics: { width: unknown } }).textMetrics;
  metrics.width = (item: TextItem, text: string) =>
    textWidth(String(text), item.fontSize ?? 11, isBold(item.fontWeight));

  const warnings: string[] = [];
  const logger = warningLogger(warnings);
  // Vega marks the rows it reads, so it gets rows of its own.
  const compiled = vegaLite.compile(structuredClone(spec) as never, { logger });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logger });
  try {
    return { svg: await view.toSVG(), warnings };
  } finally {
    view.finalize();
  }
}

function isBold(weight: string | number | undefined): boolean {
  return weight === 'bold' || Number(weight) >= 600;
}

function warningLogger(warnings: string[]) {
  const keep = (...parts: unknown[]) => {
    warnings.push(parts.map(String).join(' '));
    return logger;
  };
  const drop = () => logger;
  const logger = {
    level: ((value?: number) => (value === undefined ? 2 : logger)) as never,
    warn: keep,
    error: keep,
    info: drop,
    debug: drop,
  };
  return logger;
}

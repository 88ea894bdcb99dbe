/**
 * Colours that people with any common colour blindness tell apart (Okabe and Ito, "Color Universal
 * Design", 2008), darkened where text uses them.
 */
export const colour = {
  ink: '#1b2733',
  muted: '#5b6875',
  line: '#c9d1d9',
  grid: '#eceff3',
  card: '#ffffff',
  blue: '#0072b2',
  sky: '#56b4e9',
  orange: '#e69f00',
  vermilion: '#d55e00',
  /** Vermilion and orange dark enough for text. */
  alarm: '#a84300',
  amber: '#8a5a00',
  green: '#009e73',
  purple: '#aa4499',
} as const;

/** Type that browsers have; without any of it, as in our own PNGs, the bundled DejaVu Sans. */
const fontFamily =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** Width of a chart's plot in CSS pixels: it fits a notebook's column and half a laptop screen. */
export const chartWidth = 560;

/** Vega-Lite's `config`, the same for all charts: a white card, light horizontal rules, quiet axes. */
export const config = {
  font: fontFamily,
  background: colour.card,
  padding: { left: 16, right: 20, top: 14, bottom: 14 },
  view: { stroke: null },
  title: {
    anchor: 'start',
    frame: 'group',
    color: colour.ink,
    fontSize: 15,
    fontWeight: 600,
    offset: 14,
    subtitleColor: colour.muted,
    subtitleFontSize: 12,
    subtitlePadding: 5,
  },
  axis: {
    domain: false,
    ticks: false,
    grid: false,
    labelColor: colour.muted,
    labelFontSize: 11,
    labelPadding: 7,
    titleColor: colour.muted,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 10,
  },
  axisX: {
    domain: true,
    domainColor: colour.line,
    ticks: true,
    tickColor: colour.line,
    tickSize: 4,
    labelFlush: false,
  },
  axisY: { grid: true, gridColor: colour.grid },
  legend: {
    labelColor: colour.ink,
    labelFontSize: 11,
    titleColor: colour.muted,
    titleFontSize: 11,
    titleFontWeight: 'normal',
  },
  text: { color: colour.ink, fontSize: 11 },
  rule: { color: colour.line },
} as const;

/** A Vega-Lite 5 specification as plain JSON. Kept loose, so that its types load nothing of Vega's. */
export type VegaLiteSpec = { $schema: string } & Record<string, unknown>;

/** A view, layer or mark inside a specification. */
export type VegaLitePart = Record<string, unknown>;

/** A picture: rows of red, green, blue bytes, as the pipelines' `PixelImage`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly data: Uint8Array;
}

/** Whether a picture passed; or its score; or a short remark. */
export type Verdict = boolean | number | string | null | undefined;

/** Whether a value is a picture: rows of red, green, blue bytes. */
export function isPicture(value: unknown): value is Picture {
  if (typeof value !== 'object' || value === null) return false;
  const { width, height, data, channels } = value as Partial<Picture>;
  return (
    typeof width === 'number' &&
    typeof height === 'number' &&
    channels === 3 &&
    data instanceof Uint8Array &&
    data.length === width * height * 3
  );
}

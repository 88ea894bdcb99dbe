/** A picture: rows of red, green, blue bytes, as the pipelines' `PixelImage`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly data: Uint8Array;
}

/** Whether a picture passed; or its score; or a short remark. */
export type Verdict = boolean | number | string | null | undefined;

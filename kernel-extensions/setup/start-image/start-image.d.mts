export const makerOfStartImages: URL;
export function ensureStartImage(options?: { cache?: string }): Promise<string>;
export function findStartImage(cache?: string): string | null;
export function isStartImageWanted(cache?: string): boolean;
export function mayBeTheImage(end: {
  code: number | null;
  signal?: string | null;
  stderr?: string;
}): boolean;
export function refuseStartImage(file: string): void;
export function startImageFile(cache?: string): string;

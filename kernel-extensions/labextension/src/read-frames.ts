/** A series of pictures, as `FramesDocument` of @flowbook/kernel-extensions. */
export interface Frames {
  title: string;
  description: string;
  unit: string;
  labels: string[];
  tracks: { name: string; urls: (string | null)[]; notes?: string[] }[];
  start: number;
}

/** Takes an output's content apart; a notebook may hold anything, so that only PNGs inside of it are shown. */
export function readFrames(content: unknown): Frames {
  const { version, title, description, unit, labels, tracks, start } = (content ?? {}) as Partial<
    Frames & { version: number }
  >;
  if (version !== 1 || !Array.isArray(labels) || !Array.isArray(tracks) || labels.length === 0) {
    throw new Error(`Cannot show frames as their version must be 1: current value is ${version}`);
  }
  return {
    title: String(title ?? ''),
    description: String(description ?? ''),
    unit: String(unit ?? 'frame'),
    labels: labels.map(String),
    tracks: tracks.map(({ name, urls, notes }) => ({
      name: String(name),
      urls: labels.map((_, at) => (isPng(urls?.[at]) ? urls[at] : null)),
      ...(Array.isArray(notes) && { notes: notes.map(String) }),
    })),
    start: Math.min(Math.max(0, Number(start) || 0), labels.length - 1),
  };
}

function isPng(url: unknown): url is string {
  return typeof url === 'string' && /^data:image\/png;base64,[\w+/=]*$/.test(url);
}

import { readFileSync } from 'node:fs';
import * as path from 'node:path';

const fonts = { regular: 'DejaVuSans.ttf', bold: 'DejaVuSans-Bold.ttf' };

/** The bundled font's files: DejaVu Sans, regular and bold. */
export function fontFiles(): string[] {
  const root = path.dirname(require.resolve('dejavu-fonts-ttf/package.json'));
  return Object.values(fonts).map((file) => path.join(root, 'ttf', file));
}

let widths: { regular: CharacterWidths; bold: CharacterWidths } | undefined;

/** Width of a line of text in pixels, set in the bundled font at `fontSize` pixels. */
export function textWidth(text: string, fontSize: number, bold = false): number {
  if (widths === undefined) {
    const [regular, boldFile] = fontFiles();
    widths = { regular: new CharacterWidths(regular), bold: new CharacterWidths(boldFile) };
  }
  const face = bold ? widths.bold : widths.regular;
  let width = 0;
  for (const character of text) width += face.width(character.codePointAt(0)!);
  return width * fontSize;
}

/** Advance widths of a TrueType file, from its tables `cmap` (format 4) and `hmtx`. */
class CharacterWidths {
  private readonly known = new Map<number, number>();
  private readonly file: Buffer;
  private readonly cmap: number;
  private readonly hmtx: number;
  private readonly unitsPerEm: number;
  private readonly metricCount: number;

  constructor(path: string) {
    this.file = readFileSync(path);
    this.unitsPerEm = this.file.readUInt16BE(this.table('head') + 18);
    this.metricCount = this.file.readUInt16BE(this.table('hhea') + 34);
    this.hmtx = this.table('hmtx');
    this.cmap = this.unicodeMap();
  }

  /** Width of one character, in em. */
  width(codePoint: number): number {
    let width = this.known.get(codePoint);
    if (width === undefined) {
      const glyph = Math.min(this.glyph(codePoint), this.metricCount - 1);
      width = this.file.readUInt16BE(this.hmtx + 4 * glyph) / this.unitsPerEm;
      this.known.set(codePoint, width);
    }
    return width;
  }

  private table(tag: string): number {
    const count = this.file.readUInt16BE(4);
    for (let i = 0; i < count; i++) {
      const record = 12 + 16 * i;
      if (this.file.toString('latin1', record, record + 4) === tag) {
        return this.file.readUInt32BE(record + 8);
      }
    }
    throw new Error(`Cannot read a font as it must have a table "${tag}": it has none`);
  }

  private unicodeMap(): number {
    const start = this.table('cmap');
    const count = this.file.readUInt16BE(start + 2);
    for (let i = 0; i < count; i++) {
      const map = start + this.file.readUInt32BE(start + 4 + 8 * i + 4);
      if (this.file.readUInt16BE(map) === 4) return map;
    }
    throw new Error('Cannot read a font as its cmap must have a table of format 4: it has none');
  }

  /** The glyph of a character in the basic plane; 0 (a box) for others. */
  private glyph(codePoint: number): number {
    const { file, cmap } = this;
    const doubled = file.readUInt16BE(cmap + 6);
    const ends = cmap + 14;
    const starts = ends + doubled + 2;
    for (let offset = 0; offset < doubled; offset += 2) {
      if (file.readUInt16BE(ends + offset) < codePoint) continue;
      const first = file.readUInt16BE(starts + offset);
      if (first > codePoint) return 0;
      const delta = file.readUInt16BE(starts + doubled + offset);
      const rangeAt = starts + 2 * doubled + offset;
      const range = file.readUInt16BE(rangeAt);
      if (range === 0) return (codePoint + delta) & 0xffff;
      const glyph = file.readUInt16BE(rangeAt + range + 2 * (codePoint - first));
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  }
}

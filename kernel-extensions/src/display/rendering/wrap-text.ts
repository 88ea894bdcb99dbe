import { textWidth } from './font';

/** Breaks text into at most `mostLines` lines of `width` pixels, at spaces where it can; `…` ends a cut. */
export function wrapText(
  text: string,
  width: number,
  fontSize: number,
  mostLines: number,
): string[] {
  const fits = (line: string) => textWidth(line, fontSize) <= width;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (!fits(line) && line.length > 1 && lines.length < mostLines) {
      const part = longestPart(line, fits);
      lines.push(part);
      line = line.slice(part.length);
    }
    if (lines.length >= mostLines) break;
  }
  if (line !== '') lines.push(line);
  if (lines.length <= mostLines) return lines;
  const kept = lines.slice(0, mostLines);
  kept[mostLines - 1] = cut(kept[mostLines - 1], fits);
  return kept;
}

function longestPart(word: string, fits: (line: string) => boolean): string {
  let length = word.length - 1;
  while (length > 1 && !fits(word.slice(0, length))) length -= 1;
  return word.slice(0, length);
}

function cut(line: string, fits: (line: string) => boolean): string {
  let text = line;
  while (text.length > 0 && !fits(`${text}…`)) text = text.slice(0, -1);
  return `${text.trimEnd()}…`;
}

/** A short program in cells. */
export interface Program {
  name: string;
  cells: ProgramCell[];
  /** Files that it imports: name -> text. */
  files: Record<string, string>;
}

export interface ProgramCell {
  source: string;
  /** What it shows, line by line, where that is written below it; `!` and a part of the message for an error. */
  expected: string[];
}

import ts from 'typescript';
import type { ScriptSection } from './script-sections';

/** A word of the code: a name, a literal, `this`. */
interface Leaf {
  text: string;
  /** 0-based. */
  line: number;
  /** 0-based. */
  column: number;
}

/** Beyond so many pairs of words, laying one beside the other would take seconds. */
const mostPairs = 25_000_000;

/**
 * The line of a cell (1-based) that a place in its script's section comes from; undefined when they
 * have nothing in common there. Formatting moves lines, but leaves the words and their order.
 */
export function alignLines(
  cellSource: string,
  script: ts.SourceFile,
  { startLine, endLine }: ScriptSection,
  at: { line: number; column: number },
): number | undefined {
  const cellLeaves = leavesOf(
    ts.createSourceFile('cell.ts', cellSource, ts.ScriptTarget.ESNext, true),
  );
  const leaves = leavesOf(script).filter(({ line }) => line > startLine && line < endLine);
  if (cellLeaves.length * leaves.length > mostPairs) return undefined;
  const partners = commonWords(leaves, cellLeaves);
  const line = at.line - 1;
  const isAfter = (leaf: Leaf): boolean => leaf.line === line && leaf.column >= at.column - 1;
  let index = leaves.findIndex(isAfter);
  if (index < 0) index = leaves.filter((leaf) => leaf.line <= line).length - 1;
  // The place's own word, else the nearest one before it on its line, after it, or before at all.
  const candidates = [
    ...range(index, -1).filter((one) => leaves[one]?.line === line),
    ...range(index, leaves.length).filter((one) => leaves[one]?.line === line),
    ...range(index, -1),
  ];
  const found = candidates.find((one) => partners.has(one));
  return found === undefined ? undefined : cellLeaves[partners.get(found)!].line + 1;
}

function leavesOf(file: ts.SourceFile): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (node: ts.Node): void => {
    let isLeaf = true;
    ts.forEachChild(node, (child) => {
      isLeaf = false;
      visit(child);
    });
    if (!isLeaf || node.end === node.pos || node.kind === ts.SyntaxKind.EndOfFileToken) return;
    const start = node.getStart(file);
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    const text = ts.isStringLiteralLike(node) ? node.text : node.getText(file);
    leaves.push({ text, line, column: character });
  };
  visit(file);
  return leaves;
}

/** A longest common subsequence: of each word in `a` that has one, its partner in `b`. */
function commonWords(a: Leaf[], b: Leaf[]): Map<number, number> {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i].text === b[j].text
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const partners = new Map<number, number>();
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i].text === b[j].text) partners.set(i++, j++);
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return partners;
}

function range(from: number, to: number): number[] {
  const step = to < from ? -1 : 1;
  return Array.from({ length: Math.max(0, (to - from) * step) }, (_, index) => from + index * step);
}

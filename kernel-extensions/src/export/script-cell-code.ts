import ts from 'typescript';
import { relocations } from './cell-code';
import { isClosingBlock } from '../notebook/cell-syntax';
import { literalRanges, matchesOutside } from '../notebook/literals';
import type { Relocate } from './relocate-module';
import { applyEdits, type TextEdit } from '../notebook/text-edits';

/** A section of a script as a cell says it: the calls of `flowbook export` taken out. */
export function scriptCellCode(
  section: string,
  id: string,
  isIndented: boolean,
  relocate: Relocate,
): string {
  let text = (isIndented ? outdent(section) : section).trim();
  text = text.replace(new RegExp(`^await \\w+\\((['"])${id}\\1\\);\\n?`), '');
  const kept = new RegExp(
    `^(?:(?:const|let) \\{[^}]*\\} = )?await \\w+\\.checkpoint\\((['"])${id}\\1, async \\(\\) => \\{\\n([\\s\\S]*)\\n\\}\\);$`,
  ).exec(text);
  if (kept) text = outdent(kept[2].replace(/\n? *return \{[^}]*\};$/, '')).trim();
  else text = withoutBlock(text);
  const file = parse(text);
  const edits: TextEdit[] = [
    ...relocations(file, relocate),
    ...matchesOutside(file, /^[ \t]*\/\/ \\(?=\\*%%)/gm).map(({ index, 0: found }) => ({
      start: index + found.length - 1,
      end: index + found.length,
      text: '',
    })),
    ...withoutResult(file),
  ];
  return applyEdits(text, edits).trim();
}

/** A block around all that closes what the cell uses is the script's; one with comments around it was put there by hand. */
function withoutBlock(text: string): string {
  const { statements } = parse(text);
  const [block] = statements;
  if (!isClosingBlock(statements) || block.getStart() > 0 || block.end < text.length) return text;
  return outdent(text.slice(block.getStart() + 1, block.end - 1)).trim();
}

/** `cell.result(value)` at the end is `value` again. */
function withoutResult(file: ts.SourceFile): TextEdit[] {
  const last = file.statements.at(-1);
  if (!last || !ts.isExpressionStatement(last) || !ts.isCallExpression(last.expression)) return [];
  const { expression: callee, arguments: args } = last.expression;
  if (!/^cell\d*\.result$|^cell_\d+\.result$/.test(callee.getText(file)) || args.length !== 1)
    return [];
  const [value] = args;
  // A statement that begins so would be another one, or a directive.
  const isOpen = /^(\{|function\b|class\b|async function\b|let\b|['"])/.test(value.getText(file));
  const [open, close] = isOpen ? ['(', ')'] : ['', ''];
  return [
    { start: last.getStart(file), end: value.getStart(file), text: open },
    { start: value.end, end: last.expression.end, text: close },
  ];
}

/** Takes two spaces off each line that begins outside of literals. */
function outdent(text: string): string {
  const ranges = literalRanges(parse(text));
  return applyEdits(
    text,
    [...text.matchAll(/^ {1,2}/gm)]
      .filter(({ index }) => !ranges.some(({ pos, end }) => index > pos && index < end))
      .map(({ index, 0: found }) => ({ start: index, end: index + found.length, text: '' })),
  );
}

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('cell.ts', text, ts.ScriptTarget.Latest, true);
}

import { relative } from 'node:path';
import { inspect } from 'node:util';
import { inspectValue } from '../../display/inspect-value';
import type { ErrorContent } from '../protocol/outputs';
import type { Diagnostic } from '../tslab-adapter';
import type { CellPosition, CellPositions } from './cell-positions';
import type { ModuleNames } from './modules/module-names';

const CANNOT_FIND_MODULE = 2307;
const FRAME = /^\s+at /;
/** Files whose frames belong to the kernel, to tslab or to Node, not to the user. */
const INTERNAL_FILE =
  /\(?(node:|evalmachine|[^(]*[\\/](tslab[\\/]dist|kernel[\\/]engine|kernel[\\/]tslab|typescript[\\/]lib))/;
/** Functions that TypeScript puts before a cell for decorators and imports. */
const COMPILER_HELPER =
  /^\s+at (Object\.)?__(runInitializers|esDecorate|importStar|importDefault) \(/;
/** TypeScript's codes for code that cannot be parsed. */
const isSyntaxError = (code: number) => code >= 1000 && code < 2000;

/** Turns what stopped a cell into Jupyter's error message, in terms of cells and their lines. */
export class ErrorReport {
  /** @param names says what to do about a module that is missing */
  constructor(
    private readonly positions: CellPositions,
    private readonly names?: Pick<ModuleNames, 'resolve' | 'explainMissing'>,
  ) {}

  /** For anything that was thrown; never throws itself. */
  fromThrown(thrown: unknown): ErrorContent {
    try {
      return this.describe(thrown);
    } catch {
      // One of its properties is a getter that throws.
      const text = inspectValue(thrown);
      return { ename: 'Thrown', evalue: text, traceback: [`Thrown: ${text}`] };
    }
  }

  private describe(thrown: unknown): ErrorContent {
    if (!isError(thrown)) {
      const text = textOf(thrown);
      return { ename: 'Thrown', evalue: text, traceback: [`Thrown: ${text}`] };
    }
    const name = String(thrown.name || 'Error');
    const message = String(thrown.message);
    const syntax = this.placeOfSyntaxError(thrown);
    if (syntax) {
      const text = `${this.positions.label(syntax.cell)}, line ${syntax.line}, column ${syntax.column}: ${message}`;
      return { ename: name, evalue: text, traceback: [`${name}: ${text}`, this.excerpt(syntax)] };
    }
    const stack = this.mapStack(textOf(thrown));
    const place = this.firstPlace(String(thrown.stack));
    const traceback = place ? [stack, this.excerpt(place)] : [stack];
    return { ename: name, evalue: message, traceback };
  }

  /** For complaints of the compiler. */
  fromDiagnostics(cell: number, diagnostics: Diagnostic[]): ErrorContent {
    const ename = isSyntaxError(diagnostics[0].code) ? 'SyntaxError' : 'TypeScriptError';
    const messages = diagnostics.map(({ start, messageText, code, fileName }) => {
      const file =
        fileName === undefined
          ? this.positions.label(cell)
          : relative(process.cwd(), fileName) || fileName;
      const text = `${messageText} (TS${code})${this.advice(code, messageText)}`;
      return `${file}, line ${start.line + 1}, column ${start.character + 1}: ${text}`;
    });
    const [{ start, fileName }] = diagnostics;
    const place = { cell, line: start.line + 1, column: start.character + 1 };
    const traceback = [`${ename}: ${messages.join('\n')}`];
    if (fileName === undefined) traceback.push(this.excerpt(place));
    return { ename, evalue: messages.join('\n'), traceback };
  }

  /** What helps when the compiler does not find a module. */
  private advice(code: number, text: string): string {
    const [, specifier] = (code === CANNOT_FIND_MODULE && /'([^']+)'/.exec(text)) || [];
    if (specifier === undefined || !this.names) return '';
    const reason = this.names.explainMissing(specifier, this.names.resolve(specifier));
    return reason ? `\n${reason}` : '';
  }

  /** A text that a cell prints: stack traces in it speak of cells and their lines. */
  readable(text: string): string {
    return this.positions.isNamedIn(text) ? this.mapStack(text) : text;
  }

  /** An uncaught error as it is printed to stderr. */
  print(thrown: unknown): string {
    return this.fromThrown(thrown).traceback.join('\n');
  }

  /** The text of an error with cell positions in place of the running code's, without inner frames. */
  private mapStack(text: string): string {
    const lines: string[] = [];
    for (const line of text.split('\n')) {
      if (!isInternalFrame(line) && !COMPILER_HELPER.test(line)) lines.push(this.mapFrame(line));
      else if (line.endsWith(' {')) lines.push(`${lines.pop()} {`); // properties of the error follow
    }
    return lines.join('\n');
  }

  private mapFrame(line: string): string {
    const place = this.positions.find(line);
    if (!place) return this.positions.inFile(line);
    const { cell, line: row, column, text } = place;
    return line.replace(text, `${this.positions.label(cell)}, line ${row}, column ${column}`);
  }

  private firstPlace(stack: string): CellPosition | null {
    for (const line of stack.split('\n')) {
      const place = FRAME.test(line) && this.positions.find(line);
      if (place) return place;
    }
    return null;
  }

  /** V8 puts a file, a line, and marks below the place before a complaint about code that it cannot read. */
  private placeOfSyntaxError(thrown: Error): CellPosition | null {
    const head = /^(flowbook-cell-\d+\.ts:\d+)\n.*\n( *)\^/.exec(String(thrown.stack));
    return head && this.positions.find(`${head[1]}:${head[2].length + 1}`);
  }

  /** The line an error is in, with its neighbours and a mark below the column. */
  private excerpt({ cell, line, column }: CellPosition): string {
    const lines = this.positions.code(cell).split('\n');
    const first = Math.max(1, line - 2);
    const last = Math.min(lines.length, line + 2);
    const width = String(last).length;
    const rows = [`${this.positions.label(cell)}, line ${line}`];
    for (let n = first; n <= last; n++) {
      const number = String(n).padStart(width);
      rows.push(`${n === line ? '>' : ' '} ${number} | ${lines[n - 1]}`);
      if (n === line) rows.push(`  ${' '.repeat(width)} | ${' '.repeat(column - 1)}^`);
    }
    return rows.join('\n');
  }
}

/** What is thrown, as text; without an inspection of its own that throws. */
function textOf(thrown: unknown): string {
  try {
    return inspect(thrown);
  } catch {
    return inspect(thrown, { customInspect: false });
  }
}

/** Errors of other realms (a vm context, a worker) are errors too. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function isInternalFrame(line: string): boolean {
  if (/^\s+\.\.\. \d+ lines matching cause stack trace/.test(line)) return true;
  return (
    FRAME.test(line) &&
    INTERNAL_FILE.test(line.slice(Math.max(line.indexOf('at '), line.indexOf('('))))
  );
}

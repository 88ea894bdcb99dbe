import { inspect } from 'node:util';

type TestFunction = (context: TestContext) => unknown;
interface TestOptions {
  name?: string;
  fn?: TestFunction;
  ignore?: boolean;
}
interface TestContext {
  name: string;
  step(name: string, work: TestFunction): Promise<boolean>;
}

/** `Deno.test`: what a cell registers runs when the cell ends. */
export class DenoTests {
  private tests: Required<TestOptions>[] = [];

  /** Deno's forms: a name and a function, a function with a name, or an object; options may stand in between. */
  readonly register = (...parts: (string | TestFunction | TestOptions)[]): void => {
    const test: TestOptions = {};
    for (const part of parts) {
      if (typeof part === 'string') test.name = part;
      else if (typeof part === 'function') test.fn = part;
      else Object.assign(test, part);
    }
    const { fn, ignore = false } = test;
    const name = test.name ?? fn?.name ?? '';
    if (!fn || name === '')
      throw new TypeError(
        `Cannot register a test as it must have a name and a function: current value is ${inspect(parts)}`,
      );
    this.tests.push({ name, fn, ignore });
  };

  /** Runs what was registered, and prints how each went. */
  async run(print: (line: string) => void): Promise<void> {
    const tests = this.tests.splice(0);
    if (tests.length === 0) return;
    const counts = { passed: 0, failed: 0, ignored: 0 };
    const started = performance.now();
    for (const { name, fn, ignore } of tests) {
      if (ignore) {
        counts.ignored += 1;
        print(`${name} ... ignored (0ms)`);
      } else {
        counts[(await this.runOne(name, fn, '', print)) ? 'passed' : 'failed'] += 1;
      }
    }
    const { passed, failed, ignored } = counts;
    const more = ignored > 0 ? ` | ${ignored} ignored` : '';
    const verdict = failed > 0 ? 'FAILED' : 'ok';
    print(`\n${verdict} | ${passed} passed | ${failed} failed${more} (${since(started)})`);
  }

  private async runOne(
    name: string,
    work: TestFunction,
    indent: string,
    print: (line: string) => void,
  ): Promise<boolean> {
    const started = performance.now();
    let isWhole = true;
    const step = async (title: string, inner: TestFunction) => {
      const isOk = await this.runOne(title, inner, `${indent}  `, print);
      isWhole &&= isOk;
      return isOk;
    };
    try {
      await work({ name, step });
      print(`${indent}${name} ... ${isWhole ? 'ok' : 'FAILED'} (${since(started)})`);
      return isWhole;
    } catch (error) {
      print(`${indent}${name} ... FAILED (${since(started)})\nerror: ${inspect(error)}`);
      return false;
    }
  }
}

function since(started: number): string {
  return `${Math.round(performance.now() - started)}ms`;
}

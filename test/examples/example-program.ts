import { join } from 'node:path';
import ts from 'typescript';
import { repository } from '../setup/setup-module';
import type { Example } from './example';
import { checkStatedValues } from './stated-value';

/** The packages whose exports are in scope of an example: its own, and those that it builds on. */
const DOORS = ['kernel-extensions', 'sdk'].map((name) => ({
  module: `@flowbook/${name}`,
  folder: join(repository, name, 'src'),
  file: join(repository, name, 'src/index.ts'),
}));

/** Where the types of fixtures stand. */
const FIXTURES = join(__dirname, 'fixtures.ts');

/** An example as a module that compiles and runs. */
export interface ExampleModule {
  example: Example;
  /** JavaScript, in CommonJS form. */
  script: string;
  /** Fixtures that it mentions. */
  fixtures: string[];
  /** What TypeScript has to say against it, one line each; empty when it is right. */
  problems(): string[];
}

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
  noEmit: true,
  esModuleInterop: true,
  skipLibCheck: true,
  types: ['node'],
  baseUrl: repository,
  paths: Object.fromEntries(DOORS.map(({ module, file }) => [module, [file]])),
};

/**
 * Brings into scope what examples use. Their types are checked as strictly as the sources', once someone asks for problems: who
 * only runs examples need not wait for it.
 */
export function compileExamples(examples: readonly Example[]): ExampleModule[] {
  const sources = new Map<string, string>();
  const host = ts.createCompilerHost(OPTIONS, true);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => sources.has(name) || fileExists(name);
  host.readFile = (name) => sources.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = sources.get(name);
    return text === undefined
      ? getSourceFile(name, version, ...rest)
      : ts.createSourceFile(name, text, version);
  };
  const own = examples.flatMap(({ source }) => source ?? []);
  const doors = DOORS.map(({ file }) => file);
  const library = ts.createProgram([...new Set([...doors, FIXTURES, ...own])], OPTIONS, host);
  const scope = new Scope(library);
  const modules = examples.map((example, index) => {
    const file = join(__dirname, `example-${index}.ts`);
    const { header, fixtures } = scope.headerOf(example);
    sources.set(file, `${header}\n${example.code}\nexport {};\n`);
    const script = transpile(`${header}\n${checkStatedValues(example.code)}`);
    return { example, file, script, fixtures };
  });
  let program: ts.Program | null = null;
  const withExamples = () =>
    (program ??= ts.createProgram(
      [...library.getRootFileNames(), ...sources.keys()],
      OPTIONS,
      host,
      library,
    ));
  return modules.map(({ file, ...module }) => ({
    ...module,
    problems: () =>
      ts
        .getPreEmitDiagnostics(withExamples(), withExamples().getSourceFile(file))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
  }));
}

/** A document's example without a look at its types. */
export function untypedExample(example: Example): ExampleModule {
  const script = transpile(checkStatedValues(example.code));
  return { example, script, fixtures: [], problems: () => [] };
}

function transpile(text: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    esModuleInterop: true,
  };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

/** Finds where a name in an example comes from. */
class Scope {
  readonly #program: ts.Program;
  readonly #exports = new Map<string, ReadonlySet<string>>();

  constructor(program: ts.Program) {
    this.#program = program;
  }

  /** Imports of what an example uses and does not declare: of its own source file, of a package, of the fixtures. */
  headerOf({ code, source }: Example): { header: string; fixtures: string[] } {
    if (source === null) return { header: '', fixtures: [] };
    const own = DOORS.findIndex(({ folder }) => source.startsWith(folder));
    const modules = [
      { module: source.replace(/\.ts$/, ''), names: this.#exportsOf(source) },
      ...DOORS.slice(own).map(({ module, file }) => ({ module, names: this.#exportsOf(file) })),
      { module: FIXTURES, names: fixtureNames(this.#program) },
    ];
    const lines: string[] = [];
    const fixtures: string[] = [];
    for (const name of freeNames(code)) {
      const home = modules.find(({ names }) => names.has(name))?.module;
      if (home === FIXTURES) {
        fixtures.push(name);
        const from = FIXTURES.replace(/\.ts$/, '');
        lines.push(`declare const ${name}: import('${from}').Fixtures['${name}'];`);
      } else if (home !== undefined) {
        lines.push(`import { ${name} } from '${home}';`);
      }
    }
    return { header: lines.join('\n'), fixtures };
  }

  #exportsOf(file: string): ReadonlySet<string> {
    const known = this.#exports.get(file);
    if (known !== undefined) return known;
    const checker = this.#program.getTypeChecker();
    const source = this.#program.getSourceFile(file) as ts.SourceFile;
    const symbol = checker.getSymbolAtLocation(source);
    const names = new Set(symbol ? checker.getExportsOfModule(symbol).map(({ name }) => name) : []);
    this.#exports.set(file, names);
    return names;
  }
}

function fixtureNames(program: ts.Program): Set<string> {
  const source = program.getSourceFile(FIXTURES) as ts.SourceFile;
  const table = source.statements.find(ts.isInterfaceDeclaration);
  return new Set(table?.members.map((member) => (member.name as ts.Identifier).text));
}

/** Identifiers of an example that it does not declare at its top level. */
function freeNames(code: string): Set<string> {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ESNext, true);
  const declared = new Set<string>();
  const declare = (name: ts.BindingName) => {
    if (ts.isIdentifier(name)) declared.add(name.text);
    else {
      for (const element of name.elements) {
        if (ts.isBindingElement(element)) declare(element.name);
      }
    }
  };
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      statement.declarationList.declarations.forEach(({ name }) => declare(name));
    } else if (ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) {
      if (statement.name) declared.add(statement.name.text);
    }
  }
  const used = new Set<string>();
  const visit = (node: ts.Node) => {
    const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    const isKey = ts.isPropertyAssignment(node.parent) && node.parent.name === node;
    if (ts.isIdentifier(node) && !isMember && !isKey) used.add(node.text);
    ts.forEachChild(node, visit);
  };
  source.statements.forEach(visit);
  return new Set([...used].filter((name) => !declared.has(name)));
}

import {
  advantageEstimators,
  losses,
  rewardRegistry,
  transitions,
  type Registry,
} from '@flowbook/sdk';
import { docstringExamples, documentExamples, documents } from './example';
import { compileExamples, type ExampleModule } from './example-program';
import { runExample } from './run-example';

/** All examples of the documentation, by kind. */
export const examples = {
  '@example': ['sdk/src', 'kernel-extensions/src'].flatMap(docstringExamples),
  'code block': documents().flatMap(documentExamples),
};

let modules: Map<string, ExampleModule> | null = null;

/** All of them compiled, by name; the work is done once. */
export function compiledExamples(): Map<string, ExampleModule> {
  modules ??= new Map(
    compileExamples(Object.values(examples).flat()).map((module) => [module.example.name, module]),
  );
  return modules;
}

const runs = new Map<string, Promise<void>>();

/** Runs an example that has not run yet: what it registers cannot be registered twice. */
export function runExampleOnce(name: string): Promise<void> {
  const run = runs.get(name) ?? runExample(compiledExamples().get(name) as ExampleModule);
  runs.set(name, run);
  return run;
}

/** Runs the examples that register a part of their own, so that a contract can be held against it. */
export async function registerDocumentedParts(): Promise<void> {
  putBack();
  const registering = Object.values(examples)
    .flat()
    .filter(({ code }) => /\b(register|registerReward)\(/.test(code));
  for (const { name } of registering) {
    await runExampleOnce(name).catch((error: Error) => {
      throw new Error(`Cannot run the example at ${name}: ${error.message}`, { cause: error });
    });
  }
}

const registries: Registry<unknown>[] = [
  transitions,
  losses,
  rewardRegistry,
  advantageEstimators,
] as Registry<unknown>[];
const ownNames = registries.map((registry) => new Set(registry.names()));
/** What was taken out again, by registry. */
const takenOut = registries.map(() => new Map<string, unknown>());

/** Takes out again what examples registered, so that other tests find what the sdk has. */
export function unregisterDocumentedParts(): void {
  registries.forEach((registry, at) => {
    const added = registry.names().filter((name) => !ownNames[at].has(name));
    for (const name of added) {
      takenOut[at].set(name, registry.get(name));
      registry.unregister(name);
    }
  });
}

function putBack(): void {
  registries.forEach((registry, at) => {
    for (const [name, value] of takenOut[at]) registry.register(name, value);
    takenOut[at].clear();
  });
}

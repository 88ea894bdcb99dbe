import assert from 'node:assert/strict';
import { docstringExamples, documentExamples, documents } from './example';
import { compileExamples, type ExampleModule } from './example-program';
import { notRun } from './fixtures';
import { runExample } from './run-example';

const groups = {
  '@example': ['sdk/src', 'kernel-extensions/src'].flatMap(docstringExamples),
  'code block': documents().flatMap(documentExamples),
};

describe('documentation', function () {
  this.timeout(120_000);
  const modules = new Map<string, ExampleModule>();

  before(() => {
    for (const module of compileExamples(Object.values(groups).flat())) {
      modules.set(module.example.name, module);
    }
  });

  for (const [kind, examples] of Object.entries(groups)) {
    for (const { name } of examples) {
      const runs = !Object.hasOwn(notRun, name.replace(/:\d+$/, ''));
      const rule = runs ? 'compiles, runs and gives what it states' : 'compiles';
      it(`the ${kind} at ${name} ${rule}`, async () => {
        const module = modules.get(name) as ExampleModule;
        assert.deepEqual(module.problems, []);
        if (runs) await runExample(module);
      });
    }
  }

  it('has examples of every kind, and no exception without an example', () => {
    const names = Object.values(groups).map((examples) => examples.map(({ name }) => name));
    assert.ok(names.every(({ length }) => length > 0));
    for (const file of Object.keys(notRun)) {
      assert.ok(names.flat().some((name) => name.startsWith(`${file}:`)));
    }
  });
});

import assert from 'node:assert/strict';
import {
  compiledExamples,
  examples,
  runExampleOnce,
  unregisterDocumentedParts,
} from './all-examples';
import { notRun } from './fixtures';

describe('documentation', function () {
  this.timeout(300_000);

  before(() => void compiledExamples());
  after(unregisterDocumentedParts);

  for (const [kind, list] of Object.entries(examples)) {
    for (const { name } of list) {
      const runs = !Object.hasOwn(notRun, name.replace(/:\d+$/, ''));
      const rule = runs ? 'compiles, runs and gives what it states' : 'compiles';
      it(`the ${kind} at ${name} ${rule}`, async () => {
        assert.deepEqual(compiledExamples().get(name)?.problems(), []);
        if (runs) await runExampleOnce(name);
      });
    }
  }

  it('has examples of every kind, and no exception without an example', () => {
    const names = Object.values(examples).map((list) => list.map(({ name }) => name));
    assert.ok(names.every(({ length }) => length > 0));
    for (const file of Object.keys(notRun)) {
      assert.ok(names.flat().some((name) => name.startsWith(`${file}:`)));
    }
  });
});

// Stryker's door to mocha: test files are loaded once a process, and each change is tried in it by the tests that reach it. Stryker's
// own runner knows no mocha 12 in a version for Node 20.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { PluginKind, declareClassPlugin } from '@stryker-mutator/api/plugin';
import {
  DryRunStatus,
  MutantRunStatus,
  TestStatus,
  determineHitLimitReached,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import Mocha from 'mocha';
import { testFiles } from './what-is-tested.mjs';

const asPattern = (text) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** The first test below a suite. */
function firstTest(suite) {
  return suite.tests[0] ?? suite.suites.map(firstTest).find((test) => test !== undefined);
}

function setBail(suite, bail) {
  suite.bail(bail);
  for (const inner of suite.suites) setBail(inner, bail);
}

class WarmMocha {
  /** Where Stryker's changed code looks for what is to be changed, and counts what it passes. */
  #state = (globalThis.__stryker__ ??= {});
  #mocha;
  #isLoaded = false;

  capabilities() {
    return { reloadEnvironment: false };
  }

  init() {
    // Here and not by a flag of Node: tsx takes the settings of the folder it is loaded in, which is Stryker's copy by now.
    createRequire(join(process.cwd(), 'package.json'))('tsx/cjs');
    this.#mocha = new Mocha({ reporter: class {}, timeout: 60_000 });
    this.#mocha.cleanReferencesAfterRun(false);
    for (const file of testFiles(process.cwd())) this.#mocha.addFile(file);
    const state = this.#state;
    this.#mocha.suite.beforeEach(function () {
      if (state.isDryRun) state.currentTestId = this.currentTest.fullTitle();
    });
  }

  async dryRun({ disableBail }) {
    this.#state.isDryRun = true;
    const result = await this.#run(undefined, disableBail);
    this.#state.isDryRun = false;
    this.#state.currentTestId = undefined;
    return { ...result, mutantCoverage: this.#state.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, disableBail, hitLimit, mutantActivation }) {
    this.#state.hitLimit = hitLimit;
    this.#state.hitCount = hitLimit === undefined ? undefined : 0;
    if (mutantActivation === 'static') this.#state.activeMutant = activeMutant.id;
    try {
      this.#load();
    } catch (error) {
      if (mutantActivation !== 'static') throw error;
      // Files load without a change, and the next change gets a fresh process.
      return {
        status: MutantRunStatus.Killed,
        killedBy: [],
        failureMessage: String(error),
        nrOfTests: 0,
      };
    }
    const result = await this.#run(testFilter, disableBail, activeMutant.id);
    const { hitCount } = this.#state;
    const limit = determineHitLimitReached(hitCount, hitLimit);
    const outcome = toMutantRunResult(limit ?? result);
    if (mutantActivation !== 'static') await this.#checkUnchanged(outcome);
    return outcome;
  }

  /** A change that leaves something behind must not be the end of those after it: Stryker starts a fresh process on an error. */
  async #checkUnchanged({ killedBy }) {
    if (killedBy === undefined) return;
    const { tests } = await this.#run(killedBy, false);
    const failed = tests.find(({ status }) => status === TestStatus.Failed);
    if (failed) throw new Error(`${failed.name} fails without a change: ${failed.failureMessage}`);
  }

  #load() {
    if (!this.#isLoaded) this.#mocha.loadFiles();
    this.#isLoaded = true;
  }

  #run(testFilter, disableBail, activeMutant) {
    const tests = [];
    const mocha = this.#mocha;
    this.#load();
    setBail(mocha.suite, !disableBail);
    const titles = testFilter?.map((id) => `^${asPattern(id)}$`).join('|');
    mocha.grep(titles === undefined ? /(?:)/ : new RegExp(titles));
    this.#state.activeMutant = activeMutant;
    return new Promise((resolve) => {
      let since = performance.now();
      const add = (test, more) => {
        const name = (test.ctx?.currentTest ?? test).fullTitle();
        const timeSpentMs = performance.now() - since;
        tests.push({ id: name, name, timeSpentMs, fileName: test.file, ...more });
        since = performance.now();
      };
      const runner = mocha.run(() => {
        this.#state.activeMutant = undefined;
        resolve({ status: DryRunStatus.Complete, tests });
      });
      // What a suite's own hooks reach counts as reached by its first test.
      runner.on('suite', (suite) => {
        if (this.#state.isDryRun) this.#state.currentTestId = firstTest(suite)?.fullTitle();
      });
      runner.on('pass', (test) => add(test, { status: TestStatus.Success }));
      runner.on('fail', (test, error) =>
        add(test, { status: TestStatus.Failed, failureMessage: error.message || 'fails' }),
      );
    });
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'warm-mocha', WarmMocha)];

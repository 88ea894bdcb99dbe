import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tf } from '../../sdk/src/tensorflow';
import { GoldenCase, type CaseResult, type FamilyCheck } from './golden-case';

const load = createRequire(__filename);

/** Whether a checker for `family` exists. */
export function hasChecker(family: string): boolean {
  return existsSync(checkerPath(family));
}

/** Runs the checker of the case's family. An exception is that case's failure, and no one else's. */
export async function checkCase(goldenCase: GoldenCase): Promise<CaseResult> {
  const { family } = goldenCase;
  if (!hasChecker(family)) {
    return { status: 'skipped', worst: 0, tolerance: 0, detail: `no checker for ${family}` };
  }
  tf.engine().startScope(goldenCase.name);
  try {
    const { check } = load(checkerPath(family)) as { check: FamilyCheck };
    // Its tensors end with the scope, and whoever checks the case again reads them anew.
    return await check(new GoldenCase(goldenCase.root, goldenCase.file));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { status: 'failed', worst: NaN, tolerance: NaN, detail };
  } finally {
    tf.engine().endScope();
  }
}

function checkerPath(family: string): string {
  return join(__dirname, 'families', `${family.replaceAll('_', '-')}.ts`);
}

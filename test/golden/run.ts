import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkCase } from './check-case';
import { findCases, type CaseResult } from './golden-case';

type Row = { family: string; case: string } & CaseResult;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'string' } },
    allowPositionals: true,
  });
  if (positionals.length !== 1) {
    throw new Error(
      'Usage: npm run golden -- ROOT [--json FILE], where ROOT holds cases/ and models/',
    );
  }
  const cases = findCases(positionals[0]);
  const width = Math.max(...cases.map((one) => one.family.length + one.name.length + 1));
  const rows: Row[] = [];
  for (const one of cases) {
    const row = { family: one.family, case: one.name, ...(await checkCase(one)) };
    rows.push(row);
    console.log(format(row, width));
  }
  if (values.json !== undefined) {
    const report = rows.map(({ detail: _detail, relative: _relative, ...row }) => row);
    writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  }
  console.log(`\n${summarise(rows)}\n`);
  const count = (status: string) => rows.filter((row) => row.status === status).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  process.exitCode = count('failed') > 0 ? 1 : 0;
}

/** For each family: how far its worst tensor is from the reference, and how much of a tolerance was used. */
function summarise(rows: readonly Row[]): string {
  const lines = [...new Set(rows.map(({ family }) => family))].map((family) => {
    const checked = rows.filter((row) => row.family === family && row.status !== 'skipped');
    const largest = (of: (row: Row) => number) => Math.max(0, ...checked.map(of));
    const relative = largest((row) => row.relative ?? 0);
    const used = largest(({ worst, tolerance }) => (worst > 0 ? worst / tolerance : 0));
    return `${family.padEnd(20)} ${String(checked.length).padStart(3)}  ${relative.toExponential(1).padStart(8)}  ${(100 * used).toFixed(1).padStart(5)} %`;
  });
  return ['family             cases  relative  of tolerance', ...lines].join('\n');
}

function format(
  { family, case: name, status, worst, tolerance, detail }: Row,
  width: number,
): string {
  const numbers =
    status === 'skipped' || Number.isNaN(worst)
      ? ''.padEnd(21)
      : `${worst.toExponential(2).padStart(9)} of ${tolerance.toExponential(2).padStart(8)}`;
  return `${status.padEnd(8)} ${`${family}/${name}`.padEnd(width)}  ${numbers}  ${detail ?? ''}`.trimEnd();
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});

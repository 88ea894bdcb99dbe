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
    const report = rows.map(({ detail: _detail, ...row }) => row);
    writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  }
  const count = (status: string) => rows.filter((row) => row.status === status).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  process.exitCode = count('failed') > 0 ? 1 : 0;
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

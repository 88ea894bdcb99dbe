import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { plainValue, withoutSecrets } from './without-secrets.mjs';

/** Last lines of a log that are shown. */
const LINES = 20;

/** Characters of a record that are shown: a run's settings have some thousands. */
const CHARACTERS = 50_000;

/** A run's record without secrets. */
function plainRecord(file) {
  const record = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new Error('it holds no JSON object');
  }
  delete record.process;
  const text = JSON.stringify(plainValue(record), null, 2);
  const left = text.length - CHARACTERS;
  return left <= 0 ? text : `${text.slice(0, CHARACTERS)}\n(${left} more characters are left out)`;
}

/** A line of a log without secrets. */
function plainLine(line) {
  try {
    return JSON.stringify(plainValue(JSON.parse(line)));
  } catch {
    // A crash cut it off.
    return withoutSecrets(line);
  }
}

/** The run's folder that was written last, of a folder and those below it; null when there is none. */
function newestRun(folder) {
  const below = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return (
    [folder, ...below]
      .filter((one) => existsSync(join(one, 'run.json')))
      .map((one) => ({ one, time: statSync(join(one, 'run.json')).mtimeMs }))
      .sort((a, b) => b.time - a.time)[0]?.one ?? null
  );
}

function runPart(folder) {
  const run = newestRun(folder);
  if (run === null) return `No run was found in ${withoutSecrets(folder)}.`;
  const parts = [];
  try {
    parts.push('```json', plainRecord(join(run, 'run.json')), '```');
  } catch (error) {
    parts.push(`run.json cannot be read: ${withoutSecrets(error.message)}`);
  }
  const log = join(run, 'log.jsonl');
  if (existsSync(log)) {
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LINES);
    parts.push(`Last lines of its log:`, '```', ...lines.map(plainLine), '```');
  }
  return parts.join('\n\n').replaceAll('\n\n```\n\n', '\n```\n\n');
}

/**
 * What a report of a bug needs: versions, checks, and the newest run's configuration and last lines; without secrets, pictures and
 * weights.
 *
 * @param version Flowbook's.
 * @param checks As `runChecks` gives them.
 * @param runs The folder of runs.
 */
export function bugReport({ version, checks, runs }) {
  const rows = checks.map(
    ({ name, state, detail }) => `| ${name} | ${state} | ${withoutSecrets(detail)} |`,
  );
  return [
    '## What happened',
    'Say what you did, what you expected and what came. Read what follows before you send it.',
    '## Versions',
    `Flowbook ${version}, Node ${process.version}, ${process.platform} ${process.arch}`,
    '## Checks',
    ['| check | state | detail |', '| --- | --- | --- |', ...rows].join('\n'),
    '## Newest run',
    runPart(runs),
    '',
  ].join('\n\n');
}

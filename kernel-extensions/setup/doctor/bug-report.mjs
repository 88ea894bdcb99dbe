import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';

/** Last lines of a log that are shown. */
const LINES = 20;

/** Names of what is never shown. */
const SECRET_NAMES =
  /token(?!iz)|secret|passw|credential|authorization|cookie|(?:api|access|private)[-_]?key/i;

/** What looks like a secret wherever it stands: keys of services, long random words, and what addresses hold behind the host. */
const SECRET_TEXTS = [
  /\b(?:hf|sk|ghp|gho|pat|xox[abp])[_-][\w-]{8,}/g,
  /\bAKIA[0-9A-Z]{12,}\b/g,
  /\beyJ[\w-]{8,}(?:\.[\w-]+)*/g,
  /(?<=\b(?:[\w-]*(?:token|secret|passw(?:or)?d)|(?:api|access|private)[-_]?key)["']?\s*[=:]\s*["']?)[^\s"',}]+/gi,
  /\b(?:Bearer|Basic|token)\s+[\w.~+/-]{8,}=*/gi,
  /\b[0-9a-f]{40,}\b/gi,
  /(?<=https?:\/\/[^\s?"]*)\?[^\s"]*/g,
  /(?<=:\/\/)[^\s/@"]+@/g,
];

/** A text without secrets, names of the user and of the machine. */
export function withoutSecrets(text) {
  let shown = text;
  for (const pattern of SECRET_TEXTS) shown = shown.replaceAll(pattern, '<left out>');
  for (const [name, by] of [
    [homedir(), '~'],
    [hostname(), '<host>'],
    [userInfo().username, '<user>'],
  ]) {
    // A short name would also be found within other words.
    if (name.length > 4) shown = shown.replaceAll(name, by);
  }
  return shown;
}

/** A value of JSON without secrets. What stands below a secret's name is one, numbers aside. */
function plain(value, isSecret = false) {
  if (typeof value === 'string') return isSecret ? '<left out>' : withoutSecrets(value);
  if (Array.isArray(value)) return value.map((one) => plain(one, isSecret));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      withoutSecrets(key),
      plain(one, isSecret || SECRET_NAMES.test(key)),
    ]),
  );
}

/** A line of a log without secrets. */
function plainLine(line) {
  try {
    return JSON.stringify(plain(JSON.parse(line)));
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
    const record = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'));
    delete record.process;
    parts.push('```json', JSON.stringify(plain(record), null, 2), '```');
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

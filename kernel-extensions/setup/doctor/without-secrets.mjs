import { homedir, hostname, userInfo } from 'node:os';

const LEFT_OUT = '<left out>';

/** Stands in its place until all is found: one character, which belongs to the word around it. */
const GAP = '\ufffc';

const SERVICE_KEYS =
  '(?:api|access|private|secret|auth|account|signing|encryption|hf|openai|anthropic|gemini|wandb|aws|azure)[-_]?key';

/** How a value is given to a name. */
const GIVEN = String.raw`\\?["']?\s*(?:=>|:=|=|:)\s*`;

/** Of tokens that a model has, ids are numbers. */
const TOKEN_ID = `[-_]?id(?!${GIVEN}\\[?\\d{1,9}\\b)`;

/** How a secret's name ends, whatever the case, but for tokens that are counted; and how variables of the environment end. */
const NAME = `(?:token(?:${TOKEN_ID})?|access[-_]?key(?:[-_]?id)?|_auth|pwd|bearer|connection[-_]?string|(?:secret|passw(?:or)?d|passphrase|credential|${SERVICE_KEYS})s?)`;
const VARIABLE = '[A-Z\\d]_(?:KEY|PASS|PWD)';

/** A value: all between its quotes, or to the end where a crash cut them off; else one word. */
const VALUE = String.raw`(?:${GAP}|\\?"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[^\s"']\S*)`;

/** What names of versions are followed by: their hashes are shown, as a report is of little use without them. */
const VERSION = /^(?:commit|revision|sha256)$/i;

/** What comes behind something that stays: a secret's name, an address. Lengths are bounded, as is the time that this takes. */
const BEHIND = [
  new RegExp(`(${NAME}${GIVEN})${VALUE}`, 'gi'),
  new RegExp(`(${VARIABLE}${GIVEN})${VALUE}`, 'g'),
  new RegExp(`(--[\\w-]{0,64}(?:${NAME}|key)\\s+)(?!-)${VALUE}`, 'gi'),
  new RegExp(`(\\bx-[\\w-]{0,64}(?:token|secret|key)\\s+)${VALUE}`, 'gi'),
  /((?:authorization|cookie)\\?["']?\s*[=:]\s*\\?["']?)[^"'\n]+/gi,
  /(https?:\/\/[^\s?"]{0,1000})\?[^\s"]*/gi,
  /(https?:\/\/(?:hooks?\.[^\s/"]{1,200}|[^\s"]{0,200}\b(?:web)?hooks?\w{0,20})\/)[^\s"]+/gi,
  // A password may hold a slash, but what follows a port is none.
  /(https?:\/\/)[^\s/@":]{0,200}(?::(?!\d+\/)[^\s"]{0,200})?@/gi,
  /((?<!https?):\/\/)[^\s/@":]{0,200}(?::[^\s"]{0,200})?@/gi,
];

/** What looks like a secret wherever it stands. */
const ANYWHERE = [
  // Private keys, whole or a line of one.
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY[\s\S]*?(?:-----END [A-Z ]{0,40}-----|$)/g,
  /^[ \t]{0,40}[A-Za-z\d+/]{60,}={0,2}[ \t]*$/gm,
  // Keys of services. A name before them may end in an underscore, which is part of a word.
  /(?<![A-Za-z\d])(?:hf_|(?:sk|rk|pat|github_pat|gh[opsur]|xox[a-z]|xapp)[_-]|gl(?:pat|ptt|rt|dt|cbt|soat|ft)-|ya29\.|AIza)[\w.-]{8,}/g,
  /(?<![A-Za-z\d])(?:(?:nvapi|pypi|xai|pplx|tskey)-|(?:r8|gsk|rpa|whsec|shp[a-z]{2}|do[opr]_v1)_|hvs\.|SG\.|ATATT)[\w.-]{16,}/g,
  /(?<![A-Za-z\d])(?:npm_[A-Za-z\d]{12,}|A[KS]IA[A-Z\d]{12,})/g,
  /(?<![A-Za-z\d])eyJ[\w-]{8,}(?:\.[\w-]+)*/g,
  /\bBearer\s+[\w.~+/-]{8,}=*/gi,
  // "the token embeddings" are words.
  /\b(?:[Bb]asic|[Tt]oken)\s+(?![a-z]+\b(?![\w.~+/-]))[\w.~+/-]{8,}=*/g,
  /(?<!\b(?:commit|revision|sha256)["']?[\s:=]{1,3}["']?)(?<![A-Za-z\d])[\da-f]{32,}(?![A-Za-z\d])/gi,
];

/** A text without secrets, names of the user and of the machine. */
export function withoutSecrets(text) {
  let shown = text;
  for (const pattern of BEHIND) shown = shown.replaceAll(pattern, `$1${GAP}`);
  for (const pattern of ANYWHERE) shown = shown.replaceAll(pattern, GAP);
  shown = shown.replaceAll(GAP, LEFT_OUT);
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

const SECRET_NAME = new RegExp(
  `token(?!iz)|secret|passw|passphrase|credential|authorization|cookie|webhook|pwd|bearer|connection[-_]?string|session[-_]?id|^(?:auth|pass|pat|dsn|sas)$|${SERVICE_KEYS}`,
  'i',
);
const SECRET_VARIABLE = new RegExp(`${VARIABLE}$`);

/** Whether what a name stands for is never shown. */
const isSecretName = (name) => SECRET_NAME.test(name) || SECRET_VARIABLE.test(name);

/** A value of JSON without secrets. What stands below a secret's name is one, or behind it in a list, numbers aside. */
export function plainValue(value, isSecret = false) {
  if (typeof value === 'string') return isSecret ? LEFT_OUT : withoutSecrets(value);
  if (Array.isArray(value)) {
    return value.map((one, at) => plainValue(one, isSecret || isSecretOption(value[at - 1])));
  }
  if (value === null || typeof value !== 'object') return value;
  // As in the variables of a container: { name: 'HF_TOKEN', value: '...' }.
  const isNamed = typeof value.name === 'string' && isSecretName(value.name);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      withoutSecrets(key),
      VERSION.test(key) && /^[\da-f]+$/.test(one)
        ? one
        : plainValue(one, isSecret || isSecretName(key) || (isNamed && key === 'value')),
    ]),
  );
}

/** Whether a word of a command line, or the name of a header, says that the next one is a secret. */
const isSecretOption = (word) =>
  typeof word === 'string' &&
  /^(?:--|x-|(?:proxy-)?authorization$|cookie$)[\w-]*$/i.test(word) &&
  isSecretName(word);

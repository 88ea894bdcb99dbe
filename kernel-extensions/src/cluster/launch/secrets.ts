import * as path from 'node:path';

/** What stands beside the word that says what a file is: where it is used, or that it is a copy. */
const COPY =
  '(?:[-_.](?:prod|production|dev|development|stage|staging|test|live|local|default|backup|bak|old|orig|copy|\\d+))*';

const TEXT = 'txt|jsonc?|json5|ya?ml|ini|toml|conf|cfg|cnf|xml|properties|plist';

const TABLE = 'csv|tsv|jsonl|db|sqlite';

/** Languages in which a file may be named after what it deals with. */
const CODE = '[cm]?[jt]sx?|py|rb|r|sh|h';

/** A pattern for names that end with a word, whole, and maybe with one of some endings. */
const endsWith = (word: string, endings: string): RegExp =>
  new RegExp(`(?:^|[-_.])${word}${COPY}(?:\\.(?:${endings}))?${COPY}$`, 'i');

/** Names of files that hold secrets, unless they show how such a file looks. */
const words: readonly RegExp[] = [
  /^\.env(?!.*\.(?:md|ipynb)$)(rc)?([-_.].*)?$/i,
  /\.env$/i,
  endsWith(
    '(?:secrets?|credentials?|creds|passw(?:or)?ds?|passphrases?|(?:api|access|private|secret|auth|deploy)[-_.]?keys?)',
    `${TEXT}|${TABLE}|${CODE}`,
  ),
  // Not what tokenizers keep, as in added_tokens.json, and not tables of tokens, which are data.
  endsWith('(?<!(?:added|special|stop|bad|extra|image|text|prompt)[-_.])tokens?', TEXT),
  endsWith('key', 'txt'),
  endsWith('kubeconfig', TEXT),
  endsWith('vault[-_.]?pass', TEXT),
  // In Kubernetes' YAML a service account has no key.
  endsWith('service[-_.]?account(?:[-_.]?keys?)?', 'json'),
  /(?:^|[-_.])client[-_]secrets?[-_.].*\.json$/i,
];

/** Such a name with one of these before its ending is of a file that is meant to be shared. */
const shown = /(?:^|[-_.])(?:example|sample|template|tmpl|dist)(?:\.\w+)?$/i;

/** Files of programs, and kinds of files, that hold secrets. */
const kinds: readonly RegExp[] = [
  /^[._](npmrc|netrc|pypirc|pgpass|git-credentials|htpasswd|dockercfg|dockerconfigjson|boto|s3cfg|terraformrc|databrickscfg|smbcredentials|authinfo|sentryclirc)$/i,
  /^(\.my(login)?\.cnf|\.?pgpass\.conf|\.modal\.toml|kaggle\.json|\.?rclone\.conf|rootkey\.csv)$/i,
  /^\.?id_(rsa|dsa|ecdsa|ed25519)(_sk)?(\.pub)?$/,
  /\.(pem|key|p8|p12|pfx|ppk|keystore|jks|kdbx?|kubeconfig)$/i,
  // Of shells: commands, with what was typed behind their options.
  /^\.\w+_history$/,
  /\.(tfvars(\.json)?|tfstate(\.backup)?)$/i,
];

/** Folders of programs that keep secrets there. */
const programs =
  /(^|\/)(\.(ssh|aws|azure|docker|gnupg|jupyter|kube|kaggle)|\.config\/(gcloud|gh))\//;

/** Folders named after secrets hold nothing else, but for what is written about them. */
const inFolder =
  /(?:^|\/)(?:[^/]*[-_.])?(?:secrets?|credentials?|passwords?)\/(?!.*\.(?:md|ipynb)$)/i;

/** What editors, and people, put around the name of a file that they copy: `.env~`, `.npmrc.bak`. */
const copied = /^#|(?:[~#]|\.(?:bak|backup|old|orig|save|sw[nop]))+$/gi;

/** Whether a file's path, below its project, says that it holds a secret. */
export function looksSecret(file: string): boolean {
  const whole = file.replaceAll('\\', '/');
  const name = path.posix.basename(whole).replace(copied, '');
  // apiKey.txt is api-Key.txt.
  const parted = name.replace(/(?<=[a-z\d])(?=[A-Z])/g, '-');
  const isNamed = inFolder.test(whole) || words.some((pattern) => pattern.test(parted));
  return (
    (isNamed && !shown.test(parted)) ||
    kinds.some((pattern) => pattern.test(name)) ||
    programs.test(whole)
  );
}

/** Whether a file is source code by its name. */
export function isCode(file: string): boolean {
  return new RegExp(`\\.(?:${CODE})$`, 'i').test(file);
}

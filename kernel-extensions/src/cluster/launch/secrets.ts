import { closeSync, openSync, readSync } from 'node:fs';
import * as path from 'node:path';

/** Names of files that hold secrets. */
const names: readonly RegExp[] = [
  /^\.env(\..*)?$/,
  /^\.(npmrc|netrc|pypirc|git-credentials|htpasswd)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(\.pub)?$/,
  /\.(pem|key|p12|pfx|keystore|jks|kdbx)$/i,
  /(^|[-_.])(tokens?|secrets?|credentials?|passwords?)(\.(txt|json|ya?ml|ini))?$/i,
];

/** Folders of programs that keep secrets there. */
const folders = /(^|\/)\.(ssh|aws|azure|docker|gnupg|kube)\//;

/** Whether a file's path says that it holds a secret. */
export function looksSecret(file: string): boolean {
  const name = path.basename(file);
  return names.some((pattern) => pattern.test(name)) || folders.test(file.replaceAll('\\', '/'));
}

/** Whether a file begins as private keys do, whatever it is called. */
export function holdsPrivateKey(file: string): boolean {
  const bytes = Buffer.alloc(64);
  const descriptor = openSync(file, 'r');
  try {
    const count = readSync(descriptor, bytes, 0, bytes.length, 0);
    return /^-----BEGIN [A-Z ]*PRIVATE KEY/.test(bytes.toString('latin1', 0, count));
  } finally {
    closeSync(descriptor);
  }
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleFiles } from '@flowbook/kernel-extensions';

const VALUES = 'API_KEY = "a-made-up-value"';
const BODY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';

const SECRET_NAMES = [
  '.env .env.local .env-prod .env_local .envrc prod.env deploy/Prod.ENV .env.production.local',
  'service-account.json serviceAccountKey.json service_account_prod.json client_secret_1-a.apps.json',
  'api_key.txt apiKeys.yaml openai_key.txt access-keys.json alice_accessKeys.csv key.txt',
  'credentials credentials.csv aws_credentials.json credentials-prod.json gcloud/credentials.db credentials.json.bak',
  'secrets.toml .streamlit/secrets.toml secrets.prod.yaml secrets.py arduino_secrets.h secrets.js',
  'secrets/db.yaml secrets/db_password k8s-secrets/a.json .secrets/x secrets/vault.ts',
  'ray-token hf_token.txt hfToken.txt token.json tokens.json passwords.csv passwd',
  'kaggle.json .pgpass .my.cnf .dockercfg .npmrc _netrc .modal.toml rclone.conf kubeconfig',
  'terraform.tfvars prod.auto.tfvars terraform.tfstate.backup server.pem a.key b.ppk keys/id_ed25519 c.p8',
  '.env~ .npmrc~ .npmrc.bak .netrc.old id_rsa~ .id_rsa.swp server.key~ #.env# .vault_pass.txt .bash_history',
  'kubeconfig.yaml config/kubeconfig-prod.yml .rclone.conf rootkey.csv .jupyter/jupyter_server_config.json .authinfo',
].flatMap((line) => line.split(' '));

const SHARED_NAMES = [
  '.env.example .env.sample .env.template example.env .env.dist credentials.example.json secrets/db.sample.yaml',
  'tokenizer.json tokenizer_config.json special_tokens_map.json added_tokens.json stop_tokens.txt token_counts.json',
  'data/tokens.csv data/tokens.jsonl tokens.ipynb about-secrets.ipynb secrets/README.md secrets.md',
  'prompts/secret_garden.txt environment.yaml src/env.ts src/token.py monkey.txt keyboard.json key.json',
  'service-account.yaml merges.txt vocab.json lora_keys.json secret-santa.png',
  'train.ts~ notes.bak history.json training_history.csv kubeconfig.example.yaml kubeconfig.md .env-demo.ipynb .env.md',
].flatMap((line) => line.split(' '));

describe('a bundle', () => {
  let project: string;

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  }

  /** Which of some files, by their texts, are left out as secrets; all that are not are sent. */
  function leftOut(files: Readonly<Record<string, string>>): string[] {
    for (const [file, text] of Object.entries(files)) write(file, text);
    const { secrets, files: sent } = bundleFiles(project, Object.keys(files));
    assert.deepEqual([...secrets, ...sent].sort(), Object.keys(files).sort());
    return secrets;
  }

  beforeEach(() => {
    // The folders above the project say nothing of it.
    project = join(mkdtempSync(join(tmpdir(), 'flowbook-secrets-')), 'secrets');
    mkdirSync(project);
    // With git, hidden folders are looked at too.
    execFileSync('git', ['init', '--quiet'], { cwd: project });
  });

  afterEach(() => rmSync(dirname(project), { recursive: true, force: true }));

  it('leaves out what is named after secrets', () => {
    const files = Object.fromEntries(SECRET_NAMES.map((name) => [name, VALUES]));
    assert.deepEqual(leftOut(files), [...SECRET_NAMES].sort());
  });

  it('sends examples of such files, what tokenizers keep, and other words that sound alike', () => {
    assert.deepEqual(leftOut(Object.fromEntries(SHARED_NAMES.map((name) => [name, VALUES]))), []);
  });

  it('sends code that deals with secrets, and none that gives their values', () => {
    const files = {
      'src/secrets.ts': 'export function looksSecret(file: string): boolean { return !file; }',
      'src/credentials.py': 'import os\n\ndef read():\n    return os.environ["KEY"]\n',
      'src/secrets/index.ts': "export { read } from './read';\n",
      'src/secrets/__init__.py': '',
      'config/secrets.ts': "export const session = 'made-up';\n",
      'secrets.py': 'from typing import Final\n# A class of its own.\nKEY: Final = "made-up"\n',
    };
    assert.deepEqual(leftOut(files), ['config/secrets.ts', 'secrets.py']);
  });

  it('finds private keys wherever they stand in the first 64 KB', () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${BODY}\n-----END PRIVATE KEY-----\n`;
    const held = {
      'a.txt': `\n\n${key}`,
      'b.txt': `Bag Attributes\n    friendlyName: mine\nKey Attributes: <No Attributes>\n${key}`,
      'c.txt': `-----BEGIN CERTIFICATE-----\n${`${BODY}\n`.repeat(900)}-----END CERTIFICATE-----\n${key}`,
      'd.txt': `PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n`,
      'e.json': JSON.stringify({ type: 'service_account', private_key: key }),
      'f.yaml': `tls:\n  key: |\n    ${key.replaceAll('\n', '\r\n    ')}`,
      'g.txt': `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n${BODY}\n`,
      'h.txt': `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${BODY}\n`,
      'i.cfg': `key = "${key.replaceAll('\n', '\\n')}"`,
    };
    const free = {
      'about.md':
        'A key begins with -----BEGIN PRIVATE KEY----- and has\n-----BEGIN PRIVATE KEY-----\n...\n',
      'certificate.txt': `-----BEGIN CERTIFICATE-----\n${BODY}\n-----END CERTIFICATE-----\n`,
      'form.ts': 'const form = { "private_key": key, public_key: "a" };',
    };
    assert.deepEqual(leftOut({ ...held, ...free }), Object.keys(held));
  });
});

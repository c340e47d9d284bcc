import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DkimPeer, type KeyRecords, keyName, type PeerVerdict, type SigningJob } from './dkim-peer.ts';
import { RealServer } from './real-server.ts';

const MAX_OUTPUT_BYTES = 100_000_000;

export const opendkim: RealServer = new RealServer('opendkim');

/** opendkim in its test mode, in which it reads the messages from files and the keys from a table. */
export class OpendkimPeer implements DkimPeer {
  readonly name: string = 'opendkim';
  readonly algorithms: DkimPeer['algorithms'] = new Set(['rsa-sha256', 'ed25519-sha256']);

  async sign(jobs: readonly SigningJob[]): Promise<readonly Buffer[]> {
    return await inFolder(async (folder) => {
      const keys = new Map(jobs.map(({ key }) => [keyName(key), key]));
      const keyTable: string[] = [];
      const signingTable: string[] = [];
      for (const [name, { domain, selector, privateKey }] of keys) {
        writeFileSync(join(folder, name), privateKey);
        keyTable.push(`${name} ${domain}:${selector}:${join(folder, name)}\n`);
        signingTable.push(`*@${domain} ${name}\n`);
      }
      writeFileSync(join(folder, 'KeyTable'), keyTable.join(''));
      writeFileSync(join(folder, 'SigningTable'), signingTable.join(''));
      const signed = jobs.map(({ message }) => message);
      // Everything else is the same for all messages of one process.
      const settings = ({ key, header, body, fields, oversign }: SigningJob): string =>
        [
          `Canonicalization ${header}/${body}`,
          `SignatureAlgorithm ${key.algorithm}`,
          `SignHeaders ${fields.join(',')}`,
          ...(oversign ? [`OversignHeaders ${fields.join(',')}`] : []),
        ].join('\n');
      const groups = new Map<string, (readonly [number, SigningJob])[]>();
      for (const entry of jobs.entries()) {
        const own = groups.get(settings(entry[1]));
        if (own === undefined) groups.set(settings(entry[1]), [entry]);
        else own.push(entry);
      }
      for (const [ownSettings, own] of groups) {
        const { stdout } = await test(
          folder,
          [
            'Mode s',
            `KeyTable file:${join(folder, 'KeyTable')}`,
            `SigningTable refile:${join(folder, 'SigningTable')}`,
            // Only keys that nobody else can read: else it does not sign.
            'RequireSafeKeys no',
            ownSettings,
          ],
          own.map(([, { message }]) => message),
          ['-v'],
        );
        const fields = stdout.split(/^opendkim: (\d+):\r?\n/m).slice(1);
        for (let at = 0; at < fields.length; at += 2) {
          const [index = 0, { message }] = own[Number(fields[at])] ?? [0, { message: Buffer.of() }];
          const field = (fields[at + 1] ?? '')
            .split(/\r?\n(?![ \t])/, 1)
            .join()
            .replaceAll(/\r?\n/g, '\r\n');
          signed[index] = Buffer.concat([Buffer.from(`${field}\r\n`), message]);
        }
      }
      return signed;
    });
  }

  async verify(messages: readonly Buffer[], records: KeyRecords): Promise<readonly PeerVerdict[]> {
    return await inFolder(async (folder) => {
      const file = join(folder, 'TestPublicKeys');
      writeFileSync(file, [...records].map(([name, text]) => `${name} ${text}\n`).join(''), 'latin1');
      const settings = ['Mode v', `TestPublicKeys ${file}`];
      const verdicts: PeerVerdict[] = [];
      while (verdicts.length < messages.length) {
        const left = messages.slice(verdicts.length);
        const { stdout, ended } = await test(folder, settings, left);
        const details = new Map<number, string>();
        for (const line of stdout.split('\n')) {
          const [, index, detail] = /^opendkim: (\d+): (.*)$/.exec(line) ?? [];
          if (index !== undefined && detail !== undefined) details.set(Number(index), detail);
        }
        // Of what it refuses it says nothing; at some of that it ends.
        const judged = ended === undefined ? left.length : Math.min(left.length, Math.max(-1, ...details.keys()) + 2);
        for (let index = 0; index < judged; index++) {
          const detail = details.get(index) ?? `nothing ${ended ?? ''}`;
          verdicts.push({ pass: detail.startsWith('verification ') && detail.endsWith(' succeeded'), detail });
        }
      }
      return verdicts;
    });
  }
}

/** What it prints about these messages, which are called 0, 1, 2, …, and how it failed. */
async function test(
  folder: string,
  settings: readonly string[],
  messages: readonly Buffer[],
  options: readonly string[] = [],
): Promise<{ readonly stdout: string; readonly ended: string | undefined }> {
  const configuration = join(folder, 'opendkim.conf');
  writeFileSync(configuration, `${['Syslog no', ...settings].join('\n')}\n`);
  for (const [index, message] of messages.entries()) writeFileSync(join(folder, `${index}`), message);
  const args = ['-x', configuration, ...options, '-t', [...messages.keys()].join(',')];
  return await new Promise((resolve) => {
    const how = { cwd: folder, maxBuffer: MAX_OUTPUT_BYTES, encoding: 'latin1' } as const;
    execFile(opendkim.path ?? 'opendkim', args, how, (error, stdout, stderr) => {
      resolve({ stdout, ended: error === null ? undefined : `exit code ${error.code}: ${stderr}` });
    });
  });
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-opendkim-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

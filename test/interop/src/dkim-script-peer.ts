import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DkimKeyPair, DkimPeer, KeyRecords, PeerVerdict, SigningJob } from './dkim-peer.ts';

const MAX_OUTPUT_BYTES = 100_000_000;

interface Answer {
  readonly signatures: readonly string[];
  readonly verdicts: readonly PeerVerdict[];
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'signatures' in value && 'verdicts' in value;
}

/** A library of another language, behind a script that answers one JSON request. */
export class ScriptPeer implements DkimPeer {
  readonly name: string;
  readonly algorithms: ReadonlySet<DkimKeyPair['algorithm']>;
  readonly #interpreter: string;
  readonly #script: string;

  /** @param script - its file's name, beside this one */
  constructor(
    name: string,
    interpreter: string,
    script: string,
    algorithms: Iterable<DkimKeyPair['algorithm']> = ['rsa-sha256', 'ed25519-sha256'],
  ) {
    this.name = name;
    this.algorithms = new Set(algorithms);
    this.#interpreter = interpreter;
    this.#script = fileURLToPath(new URL(script, import.meta.url));
  }

  async sign(jobs: readonly SigningJob[]): Promise<readonly Buffer[]> {
    const { signatures } = await this.#ask({ jobs: jobs.map(asRequest), messages: [], records: {} });
    return jobs.map(({ message }, at) => Buffer.concat([Buffer.from(signatures[at] ?? '', 'base64'), message]));
  }

  async verify(messages: readonly Buffer[], records: KeyRecords): Promise<readonly PeerVerdict[]> {
    const encoded = messages.map((message) => message.toString('base64'));
    return (await this.#ask({ jobs: [], messages: encoded, records: Object.fromEntries(records) })).verdicts;
  }

  #ask(request: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { maxBuffer: MAX_OUTPUT_BYTES };
      const child = execFile(this.#interpreter, [this.#script], options, (error, stdout, stderr) => {
        const answer: unknown = error === null ? JSON.parse(stdout) : undefined;
        if (isAnswer(answer)) resolve(answer);
        else reject(new Error(`${this.name}: ${stderr || stdout}`, { cause: error }));
      });
      child.stdin?.end(JSON.stringify(request));
    });
  }
}

function asRequest({ message, key, header, body, fields, oversign }: SigningJob): object {
  const { algorithm, domain, selector } = key;
  return {
    message: message.toString('base64'),
    ...{ algorithm, domain, selector, header, body, oversign },
    fields: hListOf(message, fields, oversign),
    privateKey: algorithm === 'rsa-sha256' ? key.privateKey : seedOf(key.privateKey),
  };
}

/** dkimpy takes the list as it is to stand in `h=`; Mail::DKIM goes by the names in it. */
function hListOf(message: Buffer, names: readonly string[], oversign: boolean): readonly string[] {
  const header = message.subarray(0, message.indexOf('\r\n\r\n')).toString('latin1').split('\r\n');
  return names.flatMap((name) => {
    const there = header.filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`)).length;
    return Array.from({ length: there + (oversign ? 1 : 0) }, () => name);
  });
}

/** The 32 bytes of RFC 8032 §5.1.5, which dkimpy takes. */
function seedOf(privateKey: string): string {
  const { d = '' } = createPrivateKey(privateKey).export({ format: 'jwk' });
  return Buffer.from(d, 'base64url').toString('base64');
}

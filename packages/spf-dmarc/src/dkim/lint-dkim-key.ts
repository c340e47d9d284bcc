import {
  type AuditFinding,
  type AuditSeverity,
  isResolver,
  type JsonObject,
  OptionReader,
  type Resolver,
  toAsciiDomain,
} from '@postern/core';
import { shownText } from '../shown-text.ts';
import { parseTagList } from '../tag-list.ts';
import { allowsHash, type DkimKeyRecord, isForEmail, parseDkimKeyRecord } from './dkim-key-record.ts';
import { type DkimPublicKey, publicKeyOf } from './dkim-public-key.ts';
import { keyRecordName } from './key-record-name.ts';

/**
 * What {@link lintDkimKey} can find.
 *
 * - critical: `not-a-domain`, `not-a-selector`, `no-record`, `several-records`, `unreadable-record`, `unreadable-key`,
 *   `weak-key` (RSA of less than 1,024 bits), `sha256-excluded`, `email-excluded`
 * - warning: `revoked`, `short-key` (RSA of less than 2,048 bits), `long-key` (of more than 4,096), `testing`, `bare-key`,
 *   `trailing-data`, `stray-record`
 * - info: `key`, `alias`, `strict`, `no-version`, `obsolete-hash`, `unknown-tags`, `large-record`, `lookup-failed`
 */
export type DkimKeyFindingCode =
  | 'not-a-domain'
  | 'not-a-selector'
  | 'no-record'
  | 'several-records'
  | 'unreadable-record'
  | 'unreadable-key'
  | 'weak-key'
  | 'sha256-excluded'
  | 'email-excluded'
  | 'revoked'
  | 'short-key'
  | 'long-key'
  | 'testing'
  | 'bare-key'
  | 'trailing-data'
  | 'stray-record'
  | 'key'
  | 'alias'
  | 'strict'
  | 'no-version'
  | 'obsolete-hash'
  | 'unknown-tags'
  | 'large-record'
  | 'lookup-failed';

/** One thing that the owner of a key wants to know. */
export type DkimKeyFinding = AuditFinding<DkimKeyFindingCode>;

/** What an audit of a key came to. Plain JSON. */
export interface DkimKeyAudit {
  /** Where the record stands: `s2026._domainkey.example.com`; `''` when domain or selector are none. */
  readonly name: string;
  /** The key record, when there is exactly one. */
  readonly record: string | undefined;
  /** The gravest first. */
  readonly findings: readonly DkimKeyFinding[];
}

export interface DkimKeyLintOptions {
  /** Who asks DNS; core's `systemResolver()`, for instance. The question goes past its cache. */
  readonly resolver: Resolver;
  /** Ends the wait, with `lookup-failed`. */
  readonly signal?: AbortSignal;
}

const order: readonly AuditSeverity[] = ['critical', 'warning', 'info'];
/** RFC 6376 §3.6.1, RFC 8463; `g` stood in RFC 4871, and is ignored since. */
const knownTags: ReadonlySet<string> = new Set(['v', 'h', 'k', 'n', 'p', 's', 't']);
/** What fits into a UDP answer with EDNS everywhere (RFC 9715 §3.1: 1,400 octets), less the rest of the answer. */
const COMFORTABLE_RECORD = 1_200;

/**
 * Looks at a published DKIM key as its owner should: is it there, can it be read, is it strong enough, does it say what it
 * was meant to say. One DNS question. Never throws on strings, and never rejects because of DNS.
 *
 * That a character-string of the record is too long cannot be seen here: DNS can carry none of more than 255 octets.
 *
 * @throws TypeError for a wrong option (as a rejection)
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { lintDkimKey } from '@postern/spf-dmarc';
 *
 * const { findings } = await lintDkimKey('example.com', 's2026', { resolver: systemResolver() });
 * for (const { severity, code, message, advice } of findings) console.log(severity, code, message, advice);
 * ```
 */
export async function lintDkimKey(
  domain: string,
  selector: string,
  options: DkimKeyLintOptions,
): Promise<DkimKeyAudit> {
  const read = new OptionReader('lintDkimKey', options);
  const resolver = read.required('resolver', isResolver, 'a Resolver');
  const signal = read.signal('signal');
  read.done();

  const ascii = toAsciiDomain(domain);
  if (ascii === undefined) {
    const message = 'This is no domain.';
    return audit('', undefined, [
      finding('critical', 'not-a-domain', message, 'Ask about the domain in d=.', {
        domain: shownText(domain),
      }),
    ]);
  }
  const name = keyRecordName(selector, ascii);
  if (name === undefined) {
    const advice = 'A selector is labels of letters, digits and inner hyphens.';
    return audit('', undefined, [
      finding('critical', 'not-a-selector', 'This is no selector.', advice, {
        selector: shownText(selector),
      }),
    ]);
  }
  const answer = await resolver.resolve(name, 'TXT', { fresh: true, staleMs: 0, ...(signal && { signal }) });
  if (answer.kind === 'failure') {
    const message = `Whether there is a key is not known: ${answer.detail}`;
    return audit(name, undefined, [
      finding('info', 'lookup-failed', message, 'Ask again.', { name, reason: answer.reason }),
    ]);
  }
  if (answer.kind !== 'records') return audit(name, undefined, [missing(name, answer.kind)]);

  const findings: DkimKeyFinding[] = [];
  if (answer.canonicalName !== undefined && answer.canonicalName !== name) {
    const message = `The record stands at ${answer.canonicalName}, where a CNAME leads.`;
    findings.push(finding('info', 'alias', message, '', { name, target: answer.canonicalName }));
  }
  const keys: string[] = [];
  const strays: string[] = [];
  for (const text of answer.records) (isMeantAsKey(text) ? keys : strays).push(text);
  if (strays.length > 0) {
    const message = `TXT records at the name that are no keys: ${strays.length}.`;
    const advice = 'Take them away: a verifier may take one of them for the key.';
    findings.push(
      finding('warning', 'stray-record', message, advice, {
        name,
        records: strays.slice(0, 5).map((text) => shownText(text)),
      }),
    );
  }
  const [record, second] = keys;
  if (record === undefined) return audit(name, undefined, [...findings, missing(name, 'not-dkim')]);
  if (second !== undefined) {
    const message = `There are ${keys.length} keys under one selector; which one a verifier takes is left to it (RFC 6376 §3.6.2.2).`;
    const advice = 'Give each key a selector of its own.';
    findings.push(
      finding('critical', 'several-records', message, advice, {
        name,
        records: keys.slice(0, 5).map((text) => shownText(text)),
      }),
    );
    return audit(name, undefined, findings);
  }
  return audit(name, record, [...findings, ...recordFindings(record)]);
}

/** Whether a TXT record is meant for a key, readable or not: its version is one of DKIM, or it has none and a `p=`. */
function isMeantAsKey(text: string): boolean {
  const version = /^[\s"]*v\s*=\s*(\w*)/i.exec(text)?.[1];
  return version === undefined ? /(?:^|;)\s*p\s*=/.test(text) : version.toUpperCase().startsWith('DKIM');
}

function missing(name: string, why: string): DkimKeyFinding {
  const message = 'There is no key at the name: every signature with this selector fails.';
  const advice = 'Publish the TXT record that came with the key, under exactly this name.';
  return finding('critical', 'no-record', message, advice, { name, answer: why });
}

function recordFindings(text: string): DkimKeyFinding[] {
  const parsed = parseDkimKeyRecord(text);
  if (!parsed.ok) {
    // What zone editors leave behind when quotes and semicolons are escaped once too often.
    const escaped = text.includes('"') || text.includes('\\');
    const advice = escaped
      ? 'Take the quotes and backslashes away: they belong to the zone file, not to the record.'
      : 'Publish the text again as it came with the key.';
    const evidence = { record: shownText(text), fault: parsed.fault };
    return [finding('critical', 'unreadable-record', `The record cannot be read: ${parsed.detail}.`, advice, evidence)];
  }
  const { record } = parsed;
  const findings = keyFindings(record, publicKeyOf(record));
  if (!allowsHash(record, 'sha256')) {
    const message = 'h= does not name sha256, and no other hash may be used (RFC 8301 §3.1).';
    findings.push(
      finding('critical', 'sha256-excluded', message, 'Write h=sha256, or leave h= out.', {
        hashes: record.hashes ?? [],
      }),
    );
  } else if (record.hashes?.includes('sha1')) {
    findings.push(
      finding(
        'info',
        'obsolete-hash',
        'h= still names sha1, which no verifier accepts (RFC 8301 §3.1).',
        'Write h=sha256, or leave h= out.',
        { hashes: record.hashes },
      ),
    );
  }
  if (!isForEmail(record)) {
    const message = 's= does not name email: the key counts for no mail.';
    findings.push(
      finding('critical', 'email-excluded', message, 'Write s=email, or leave s= out.', { services: record.services }),
    );
  }
  if (record.testing) {
    const message = 't=y says that the domain only tests DKIM: a signature that fails counts as none.';
    findings.push(finding('warning', 'testing', message, 'Take t=y away when signing works.', { flags: record.flags }));
  }
  if (record.strict) {
    findings.push(
      finding('info', 'strict', 't=s: i= must be in the domain itself, not below it.', '', { flags: record.flags }),
    );
  }
  const list = parseTagList(text);
  const tags = list.ok ? [...list.tags.keys()] : [];
  if (!tags.includes('v')) {
    findings.push(
      finding(
        'info',
        'no-version',
        'The record does not begin with v=DKIM1; verifiers take it, monitors may not.',
        'Begin the record with v=DKIM1.',
        {},
      ),
    );
  }
  const unknown = tags.filter((tag) => !knownTags.has(tag));
  if (unknown.length > 0) {
    findings.push(
      finding('info', 'unknown-tags', `Nobody reads these tags: ${shownText(unknown.join(', '))}.`, 'Take them away.', {
        tags: unknown.map((tag) => shownText(tag)),
      }),
    );
  }
  if (text.length > COMFORTABLE_RECORD) {
    const message = `The record has ${text.length} octets, and may need TCP to be fetched.`;
    findings.push(
      finding('info', 'large-record', message, 'Use a smaller key, or take the notes away.', { octets: text.length }),
    );
  }
  return findings;
}

function keyFindings(record: DkimKeyRecord, key: DkimPublicKey): DkimKeyFinding[] {
  const { keyType } = record;
  if (!key.ok) {
    if (key.fault === 'revoked') {
      const advice = 'Nothing, if it was meant. Else publish the key again; a key that was revoked is better replaced.';
      return [
        finding(
          'warning',
          'revoked',
          'p= is empty: the key has been revoked, and every signature by it fails.',
          advice,
          { keyType },
        ),
      ];
    }
    const advice = 'Publish the text again as it came with the key, or make a new one.';
    return [
      finding('critical', 'unreadable-key', `The key cannot be used: ${key.detail}.`, advice, {
        keyType,
        bytes: record.keyData.length,
      }),
    ];
  }
  const { bits, format } = key;
  const evidence = { keyType, bits };
  const what = `an ${keyType === 'rsa' ? `RSA key of ${bits} bits` : 'Ed25519 key'}`;
  const findings: DkimKeyFinding[] = [];
  if (keyType === 'rsa' && bits < 1_024) {
    findings.push(
      finding(
        'critical',
        'weak-key',
        `It is ${what}: verifiers must not accept it (RFC 8301 §3.2).`,
        'Make a key of 2,048 bits under a new selector.',
        evidence,
      ),
    );
  } else if (keyType === 'rsa' && bits < 2_048) {
    findings.push(
      finding(
        'warning',
        'short-key',
        `It is ${what}; 2,048 are advised (RFC 8301 §3.2).`,
        'Make a key of 2,048 bits under a new selector.',
        evidence,
      ),
    );
  } else if (keyType === 'rsa' && bits > 4_096) {
    findings.push(
      finding(
        'warning',
        'long-key',
        `It is ${what}; verifiers need not take more than 4,096 (RFC 8301 §3.2).`,
        'Make a key of 2,048 to 4,096 bits under a new selector.',
        evidence,
      ),
    );
  } else {
    findings.push(finding('info', 'key', `It is ${what}.`, '', evidence));
  }
  if (format === 'pkcs1') {
    const message = 'The key is a bare RSAPublicKey, which not every verifier reads.';
    findings.push(
      finding(
        'warning',
        'bare-key',
        message,
        'Publish it as SubjectPublicKeyInfo, as `openssl rsa -pubout` writes it.',
        evidence,
      ),
    );
  }
  const length = format === 'raw' ? record.keyData.length : sequenceLength(record.keyData);
  if (length < record.keyData.length) {
    const extra = record.keyData.length - length;
    const message = `Behind the key stand ${extra} bytes that belong to nothing.`;
    findings.push(
      finding('warning', 'trailing-data', message, 'Publish the text again as it came with the key.', { bytes: extra }),
    );
  }
  return findings;
}

/** Bytes of the sequence that the data begins with (X.690 §8.1.3); it has been read as a key before. */
function sequenceLength(data: Uint8Array): number {
  const first = data[1] ?? 0;
  if (first < 0x80) return 2 + first;
  let length = 0;
  for (const byte of data.subarray(2, 2 + (first & 0x7f))) length = length * 256 + byte;
  return 2 + (first & 0x7f) + length;
}

function finding(
  severity: AuditSeverity,
  code: DkimKeyFindingCode,
  message: string,
  advice: string,
  evidence: JsonObject,
): DkimKeyFinding {
  return { code, severity, message, advice, evidence };
}

function audit(name: string, record: string | undefined, findings: readonly DkimKeyFinding[]): DkimKeyAudit {
  const sorted = [...findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  return { name, record, findings: sorted };
}

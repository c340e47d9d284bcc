import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { OptionReader, parseIp } from '@postern/core';

/** A key and its certificate, PEM: what `node:tls` takes as `key` and `cert`. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Host names and addresses that it is for. Default `localhost`, `127.0.0.1` and `::1`. */
  readonly names?: readonly string[];
  /** Milliseconds since the epoch. Default: a day ago. */
  readonly notBefore?: number;
  /** Milliseconds since the epoch. Default: a day from now; one that lies in the past makes an expired certificate. */
  readonly notAfter?: number;
}

/** Whether it is a pair of texts; whether they are PEM, `node:tls` says. */
export function isCertificate(value: unknown): value is Certificate {
  if (typeof value !== 'object' || value === null || !('key' in value && 'cert' in value)) return false;
  return typeof value.key === 'string' && typeof value.cert === 'string';
}

const DAY_MS = 86_400_000;

/**
 * A certificate that signs itself, with a new P-256 key: a client trusts it when it is given as `ca`. So no key has to lie
 * in a repository, and none runs out.
 *
 * @example
 * ```ts
 * const tls = createCertificate({ names: ['dns.example', '127.0.0.1'] });
 * await using server = await DnsServer.start(zone, { tls });
 * ```
 */
export function createCertificate(options: CertificateOptions = {}): Certificate {
  const read = new OptionReader('createCertificate', options);
  const names = read.value('names', isNames, 'an array of host names and addresses') ?? [
    'localhost',
    '127.0.0.1',
    '::1',
  ];
  const notBefore = read.number('notBefore', Date.now() - DAY_MS);
  const notAfter = read.number('notAfter', Date.now() + DAY_MS);
  read.done();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(objectId(COMMON_NAME), element(UTF8_STRING, Buffer.from(names[0] ?? '')))));
  // RFC 5280 §4.1.
  const toBeSigned = sequence(
    element(0xa0, integer(Buffer.of(2))),
    // RFC 5280 §4.1.2.2: a positive number of at most 20 octets; the first bit 0 keeps it positive.
    integer(Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    sequence(objectId(ECDSA_WITH_SHA256)),
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(
      0xa3,
      sequence(
        // It is its own authority: basicConstraints with cA, critical.
        sequence(
          objectId(BASIC_CONSTRAINTS),
          element(BOOLEAN, Buffer.of(0xff)),
          octets(sequence(element(BOOLEAN, Buffer.of(0xff)))),
        ),
        sequence(objectId(SUBJECT_ALTERNATIVE_NAME), octets(sequence(...names.map(generalName)))),
      ),
    ),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(
    toBeSigned,
    sequence(objectId(ECDSA_WITH_SHA256)),
    element(BIT_STRING, Buffer.concat([Buffer.of(0), signature])),
  );
  const base64 = certificate
    .toString('base64')
    .replaceAll(/(.{64})/g, '$1\n')
    .trimEnd();
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '');
}

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
/** 2.5.4.3 */
const COMMON_NAME = '550403';
/** 2.5.29.17 */
const SUBJECT_ALTERNATIVE_NAME = '551d11';
/** 2.5.29.19 */
const BASIC_CONSTRAINTS = '551d13';
/** 1.2.840.10045.4.3.2 (RFC 5758 §3.2) */
const ECDSA_WITH_SHA256 = '2a8648ce3d040302';

/** One DER element (ITU-T X.690 §8.1): tag, length, content. */
function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const long = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length];
  return Buffer.concat([Buffer.of(tag, ...(length < 0x80 ? [length] : long)), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(SEQUENCE, Buffer.concat(parts));
}

function set(...parts: readonly Uint8Array[]): Buffer {
  return element(SET, Buffer.concat(parts));
}

function integer(bytes: Uint8Array): Buffer {
  return element(INTEGER, bytes);
}

function octets(content: Uint8Array): Buffer {
  return element(OCTET_STRING, content);
}

function objectId(hex: string): Buffer {
  return element(OBJECT_IDENTIFIER, Buffer.from(hex, 'hex'));
}

/** RFC 5280 §4.1.2.5: two digits for the year until 2049, four from then on. */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return text < '2050' ? element(UTC_TIME, Buffer.from(text.slice(2))) : element(GENERALIZED_TIME, Buffer.from(text));
}

/** RFC 5280 §4.2.1.6: a host name or the octets of an address. */
function generalName(name: string): Buffer {
  const ip = parseIp(name);
  if (ip === undefined) return element(0x82, Buffer.from(name, 'latin1'));
  const bytes = Buffer.alloc(16);
  [ip.word0, ip.word1, ip.word2, ip.word3].forEach((word, index) => {
    bytes.writeUInt32BE(word, index * 4);
  });
  return element(0x87, ip.family === 4 ? bytes.subarray(12) : bytes);
}

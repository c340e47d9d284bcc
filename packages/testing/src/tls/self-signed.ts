import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { parseIp } from '@postern/core';

/** Whom a certificate is for, and when. */
export interface SelfSignedOptions {
  /** Host names and IP addresses; the first one is the common name too. Default `localhost`, `127.0.0.1` and `::1`. */
  readonly names?: readonly string[];
  /** Default: a day ago. */
  readonly notBefore?: Date;
  /** Default: in a day. */
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

// Tags of DER (ITU-T X.690 §8).
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;

// Object identifiers, encoded.
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const TRUE = Buffer.from('0101ff', 'hex');

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

/** `20261122010203Z` */
function time(date: Date): Buffer {
  const digits = date.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '');
  return der(GENERALIZED_TIME, Buffer.from(`${digits}Z`));
}

/** RFC 5280 §4.2.1.6: `dNSName` is [2], `iPAddress` is [7]. */
function generalName(name: string): Buffer {
  const ip = parseIp(name);
  if (ip === undefined) return der(0x82, Buffer.from(name, 'latin1'));
  const bytes = Buffer.alloc(16);
  [ip.word0, ip.word1, ip.word2, ip.word3].forEach((word, index) => {
    bytes.writeUInt32BE(word, index * 4);
  });
  return der(0x87, ip.family === 4 ? bytes.subarray(12) : bytes);
}

function extension(identifier: Uint8Array, critical: boolean, value: Uint8Array): Buffer {
  return der(SEQUENCE, identifier, ...(critical ? [TRUE] : []), der(OCTET_STRING, value));
}

/**
 * A new key and a certificate for it (RFC 5280), signed by itself, both in PEM: what a server under test needs, and as
 * `ca` what its client needs. It is made here and now, so that no key is ever committed and none expires.
 *
 * @example
 * ```ts
 * const tls = selfSigned();
 * const server = await DnsServer.start(zone, { tls });
 * const client = new DnsClient({ servers: [{ url: `tls://${server.tlsAddress}`, ca: tls.cert }] });
 * ```
 */
export function selfSigned(options: SelfSignedOptions = {}): { readonly key: string; readonly cert: string } {
  const names = options.names ?? ['localhost', '127.0.0.1', '::1'];
  const { notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + DAY_MS) } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  const algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
  const commonName = der(UTF8_STRING, Buffer.from(names[0] ?? ''));
  const subject = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, commonName)));
  const extensions = der(
    SEQUENCE,
    extension(BASIC_CONSTRAINTS, true, der(SEQUENCE, TRUE)),
    extension(SUBJECT_ALT_NAME, false, der(SEQUENCE, ...names.map(generalName))),
  );
  // RFC 5280 §4.1.2.2: the serial number is positive, so its first bit is not set.
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)]);
  const toBeSigned = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serial),
    algorithm,
    subject,
    der(SEQUENCE, time(notBefore), time(notAfter)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = der(SEQUENCE, toBeSigned, algorithm, der(BIT_STRING, Buffer.from([0]), signature));

  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
  };
}

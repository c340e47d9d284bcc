import type { DkimCanonicalization } from '@postern/spf-dmarc';

/** A key pair that peers sign with, and what its owner publishes. */
export interface DkimKeyPair {
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  readonly domain: string;
  readonly selector: string;
  /** The text of the TXT record at `selector._domainkey.domain`. */
  readonly record: string;
}

/** What a peer is to sign, and how. */
export interface SigningJob {
  /** With CRLF line ends. */
  readonly message: Buffer;
  readonly key: DkimKeyPair;
  readonly header: DkimCanonicalization;
  readonly body: DkimCanonicalization;
  /** Names of header fields; all fields of these names are signed. */
  readonly fields: readonly string[];
  /** Each name stands once more in `h=` than there are fields, if the peer can do that. */
  readonly oversign: boolean;
}

/** What a peer says of the signature of a message. */
export interface PeerVerdict {
  readonly pass: boolean;
  /** In its own words. */
  readonly detail: string;
}

/** TXT records by name, lower case. */
export type KeyRecords = ReadonlyMap<string, string>;

/** One more implementation of DKIM, which signs and verifies whole batches. */
export interface DkimPeer {
  readonly name: string;
  /** Of those that it cannot do it makes no signature. */
  readonly algorithms: ReadonlySet<DkimKeyPair['algorithm']>;
  /** Each message as it was, with a DKIM-Signature on top. */
  sign(jobs: readonly SigningJob[]): Promise<readonly Buffer[]>;
  /** Judges the first signature of each message. */
  verify(messages: readonly Buffer[], records: KeyRecords): Promise<readonly PeerVerdict[]>;
}

/** The name that the key record of a signature has. */
export function keyName({ selector, domain }: Pick<DkimKeyPair, 'selector' | 'domain'>): string {
  return `${selector}._domainkey.${domain}`;
}

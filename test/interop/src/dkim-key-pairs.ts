import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type DkimKeyPair, type KeyRecords, keyName } from './dkim-peer.ts';

const generate = promisify(generateKeyPair);

/** Each has a domain of its own, so that `From` tells opendkim which key to sign with. */
export interface DkimKeyPairs {
  readonly rsa1024: DkimKeyPair;
  readonly rsa2048: DkimKeyPair;
  readonly ed25519: DkimKeyPair;
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A new RSA key; one of 4,096 bits can take seconds. */
export async function makeRsaKeyPair(modulusLength: number): Promise<DkimKeyPair> {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength });
  const bytes = publicKey.export({ type: 'spki', format: 'der' });
  return {
    algorithm: 'rsa-sha256',
    privateKey: pem(privateKey),
    domain: `rsa${modulusLength}.example`,
    selector: 'one',
    record: `v=DKIM1; k=rsa; p=${bytes.toString('base64')}`,
  };
}

async function ed25519(): Promise<DkimKeyPair> {
  const { publicKey, privateKey } = await generate('ed25519');
  // RFC 8463 §4.2: the bare 32 bytes, which are the last ones of the SubjectPublicKeyInfo.
  const bytes = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return {
    algorithm: 'ed25519-sha256',
    privateKey: pem(privateKey),
    domain: 'ed25519.example',
    selector: 'one',
    record: `v=DKIM1; k=ed25519; p=${bytes.toString('base64')}`,
  };
}

/** New keys, all made at once. */
export async function makeKeyPairs(): Promise<DkimKeyPairs> {
  const [rsa1024, rsa2048, elliptic] = await Promise.all([makeRsaKeyPair(1_024), makeRsaKeyPair(2_048), ed25519()]);
  return { rsa1024, rsa2048, ed25519: elliptic };
}

/** What their owners publish. */
export function recordsOf(pairs: readonly DkimKeyPair[]): KeyRecords {
  return new Map(pairs.map((pair) => [keyName(pair), pair.record]));
}

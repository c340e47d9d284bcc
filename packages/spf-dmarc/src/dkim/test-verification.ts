import { ZoneResolver } from '@postern/testing';
import type { DkimSignatureResult } from './dkim-signature-result.ts';
import { ed25519, keyRecord, rsa, type TestSignature } from './test-signature.ts';
import { type DkimVerificationOptions, verifyDkim } from './verify-dkim.ts';

/** For tests: a message to sign, each character one byte. */
export const input: TestSignature = {
  fields: ['From: Ann <ann@example.com>', 'To: bob@example.net', 'Subject: A  subject\r\n\tin two lines'],
  body: 'Hello  Bob,\r\n\r\n this is \t it. \r\n\r\n\r\n',
};

/** Knows the two keys of `test-signature`, and more. */
export function zone(more: Record<string, string | readonly string[]> = {}): ZoneResolver {
  const resolver = new ZoneResolver({
    'rsa._domainkey.example.com': { TXT: keyRecord(rsa.publicKey) },
    'ed._domainkey.example.com': { TXT: keyRecord(ed25519.publicKey) },
  });
  for (const [name, text] of Object.entries(more)) resolver.set(name, { TXT: text });
  return resolver;
}

export function bytes(message: string): Buffer {
  return Buffer.from(message, 'latin1');
}

export async function verify(
  message: string,
  options: Partial<DkimVerificationOptions> = {},
): Promise<readonly DkimSignatureResult[]> {
  return verifyDkim(bytes(message), { resolver: zone(), ...options });
}

/** `result/reason` of each signature. */
export async function words(message: string, options: Partial<DkimVerificationOptions> = {}): Promise<string[]> {
  return (await verify(message, options)).map(({ result, reason }) => `${result}/${reason}`);
}

import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import type { DkimPeer, KeyRecords, PeerVerdict, SigningJob } from './dkim-peer.ts';

/** mailauth, in this process, by the letter of the RFCs. */
export class MailauthPeer implements DkimPeer {
  readonly name: string = 'mailauth';
  readonly algorithms: DkimPeer['algorithms'] = new Set(['rsa-sha256', 'ed25519-sha256']);

  /** It signs no name more often than there are fields. */
  async sign(jobs: readonly SigningJob[]): Promise<readonly Buffer[]> {
    return await Promise.all(
      jobs.map(async ({ message, key, header, body, fields }) => {
        const { signatures } = await dkimSign(message, {
          signingDomain: key.domain,
          selector: key.selector,
          privateKey: key.privateKey,
          signatureData: [
            {
              signingDomain: key.domain,
              selector: key.selector,
              privateKey: key.privateKey,
              algorithm: key.algorithm,
              canonicalization: `${header}/${body}`,
              headerList: [...fields],
            },
          ],
        });
        return Buffer.concat([Buffer.from(signatures), message]);
      }),
    );
  }

  async verify(messages: readonly Buffer[], records: KeyRecords): Promise<readonly PeerVerdict[]> {
    const resolver = async (name: string): Promise<string[][]> => {
      const text = records.get(name.toLowerCase());
      if (text === undefined) throw Object.assign(new Error('There is no such name'), { code: 'ENOTFOUND' });
      return [[text]];
    };
    const verdicts: PeerVerdict[] = [];
    for (const message of messages) {
      const { results } = await dkimVerify(message, { resolver, strict: true });
      const { result = 'none', comment = '' } = results[0]?.status ?? {};
      verdicts.push({ pass: result === 'pass', detail: `${result} ${comment}` });
    }
    return verdicts;
  }
}

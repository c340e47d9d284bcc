import { signDkim, verifyDkim } from '@postern/spf-dmarc';
import { ZoneResolver } from '@postern/testing';
import type { DkimPeer, KeyRecords, PeerVerdict, SigningJob } from './dkim-peer.ts';

/** Ours. */
export class PosternPeer implements DkimPeer {
  readonly name: string = '@postern/spf-dmarc';
  readonly algorithms: DkimPeer['algorithms'] = new Set(['rsa-sha256', 'ed25519-sha256']);

  async sign(jobs: readonly SigningJob[]): Promise<readonly Buffer[]> {
    return await Promise.all(
      jobs.map(async ({ message, key, header, body, fields, oversign }) => {
        const { domain, selector, privateKey } = key;
        const signed = await signDkim(message, {
          signatures: [
            {
              ...{ domain, selector, key: privateKey, headers: fields, oversign: oversign ? fields : [] },
              canonicalization: `${header}/${body}`,
            },
          ],
        });
        return signed.ok ? Buffer.concat([Buffer.from(signed.header), message]) : message;
      }),
    );
  }

  async verify(messages: readonly Buffer[], records: KeyRecords): Promise<readonly PeerVerdict[]> {
    const resolver = new ZoneResolver(Object.fromEntries([...records].map(([name, TXT]) => [name, { TXT }])));
    const verdicts: PeerVerdict[] = [];
    for (const message of messages) {
      const [first] = await verifyDkim(message, { resolver, timeoutMs: 60_000 });
      const { result = 'none', reason = '' } = first ?? {};
      verdicts.push({ pass: result === 'pass', detail: `${result} ${reason}` });
    }
    return verdicts;
  }
}

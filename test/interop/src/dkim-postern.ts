import { signDkim } from '@postern/spf-dmarc';
import type { DkimPeer, SigningJob } from './dkim-peer.ts';

/** Ours. */
export const postern: Pick<DkimPeer, 'name' | 'algorithms' | 'sign'> = {
  name: '@postern/spf-dmarc',
  algorithms: new Set(['rsa-sha256', 'ed25519-sha256']),

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
  },
};

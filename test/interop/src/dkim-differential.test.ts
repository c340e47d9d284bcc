import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { type DkimKeyPairs, makeKeyPairs, recordsOf } from './dkim-key-pairs.ts';
import { messageShapes, signedFields } from './dkim-messages.ts';
import { mutate, mutations } from './dkim-mutations.ts';
import type { DkimPeer, SigningJob } from './dkim-peer.ts';
import { dkimPeerServers, dkimPeers, postern } from './dkim-peers.ts';
import { describeWith } from './real-server.ts';

/** For whole batches of other processes on a busy machine. */
const PATIENCE_MS = 600_000;
const MESSAGES = 400;

const everyone = [...dkimPeers, postern];
/** opendkim's own verifier refuses its Ed25519 signatures with a `simple` header. */
const ed25519Signers = everyone.filter(
  ({ name, algorithms }) => algorithms.has('ed25519-sha256') && name !== 'opendkim',
);

/** Small messages, of which opendkim gets every field as it is. */
const shapes = Object.keys(messageShapes).filter(
  (shape) => !['a large body', 'long lines', 'values with odd ends'].includes(shape),
);
const canonicalization = fc.constantFrom('simple' as const, 'relaxed' as const);
const signed = fc.record({
  shape: fc.constantFrom(...shapes),
  header: canonicalization,
  body: canonicalization,
  oversign: fc.boolean(),
  by: fc.oneof(
    fc.record({ signer: fc.constantFrom(...everyone), key: fc.constantFrom('rsa2048' as const, 'rsa1024' as const) }),
    fc.record({ signer: fc.constantFrom(...ed25519Signers), key: fc.constant('ed25519' as const) }),
  ),
});
const share = fc.nat({ max: 999 }).map((part) => part / 1_000);
const altered = fc.record({
  draw: signed,
  changes: fc.array(fc.tuple(fc.constantFrom(...Object.keys(mutations)), share), { minLength: 1, maxLength: 3 }),
});

type Drawn = typeof signed extends fc.Arbitrary<infer T> ? T : never;

async function signAll(draws: readonly Drawn[], pairs: DkimKeyPairs): Promise<readonly Buffer[]> {
  const messages: Buffer[] = [];
  for (const peer of everyone) {
    const own = [...draws.entries()].filter(([, { by }]) => by.signer === peer);
    const jobs = own.map(([, { shape, by, ...how }]): SigningJob => {
      const key = pairs[by.key];
      return { ...how, key, message: messageShapes[shape]?.(key.domain) ?? Buffer.of(), fields: signedFields };
    });
    const made = await peer.sign(jobs);
    for (const [at, [index]] of own.entries()) messages[index] = made[at] ?? Buffer.of();
  }
  return messages;
}

/** RFC 6376 §8.15 leaves it to the signer to seal From; to dkimpy every From is one that was signed. */
function isBeyond({ name, algorithms }: DkimPeer, { key }: Drawn['by'], message: Buffer): boolean {
  if (key === 'ed25519' && !algorithms.has('ed25519-sha256')) return true;
  return name === 'dkimpy' && (message.toString('latin1').match(/^From:/gim) ?? []).length > 1;
}

describeWith(dkimPeerServers, 'altered messages', () => {
  let pairs: DkimKeyPairs;

  beforeAll(async () => {
    pairs = await makeKeyPairs();
  }, PATIENCE_MS);

  it(
    'no two others see otherwise',
    async () => {
      const draws = fc.sample(altered, MESSAGES);
      const intact = await signAll(
        draws.map(({ draw }) => draw),
        pairs,
      );
      const messages = draws.map(({ changes }, at) => mutate(intact[at] ?? Buffer.of(), changes));
      const judge = (peer: DkimPeer) => peer.verify(messages, recordsOf(Object.values(pairs)));
      const ours = await judge(postern);
      const theirs = await Promise.all(dkimPeers.map(async (peer) => ({ peer, verdicts: await judge(peer) })));

      const disputed = draws.flatMap(({ draw, changes }, at) => {
        const message = messages[at] ?? Buffer.of();
        const own = ours[at];
        const others = theirs.filter(
          ({ peer, verdicts }) => !isBeyond(peer, draw.by, message) && verdicts[at]?.pass !== own?.pass,
        );
        if (others.length < 2) return [];
        const said = others.map(({ peer, verdicts }) => `${peer.name}: ${verdicts[at]?.detail}`);
        return [{ ours: own, said, changes, signer: draw.by.signer.name, message: message.toString('latin1') }];
      });
      expect(disputed).toEqual([]);
      // Both happen often, else this would say little.
      const passed = ours.filter(({ pass }) => pass).length;
      expect(passed).toBeGreaterThan(MESSAGES / 20);
      expect(passed).toBeLessThan(MESSAGES / 1.5);
    },
    PATIENCE_MS,
  );
});

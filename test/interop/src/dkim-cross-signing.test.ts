import { beforeAll, expect, it } from 'vitest';
import { type DkimKeyPairs, makeKeyPairs, makeRsaKeyPair, recordsOf } from './dkim-key-pairs.ts';
import { messageShapes, signedFields } from './dkim-messages.ts';
import type { DkimKeyPair, DkimPeer, SigningJob } from './dkim-peer.ts';
import { dkimPeerServers, dkimPeers, postern } from './dkim-peers.ts';
import { describeWith } from './real-server.ts';

/** For whole batches of other processes on a busy machine. */
const PATIENCE_MS = 600_000;

const canonicalizations = ['simple', 'relaxed'] as const;
const everyone = [...dkimPeers, postern];

interface ShapedJob extends SigningJob {
  readonly shape: string;
}

interface Limit {
  readonly peer: string;
  readonly role?: 'signer';
  readonly concerns: (job: ShapedJob) => boolean;
}

/** What others cannot do; all else must pass. */
const limits: readonly Limit[] = [
  // It gets header fields as milters do, without the white space around their values, and puts a space behind the colon.
  {
    peer: 'opendkim',
    concerns: ({ shape, header }) => header === 'simple' && shape === 'values with odd ends',
  },
  // Its own verifier refuses what it signs so: RFC 6376 §3.7 has the DKIM-Signature field hashed as it is sent.
  {
    peer: 'opendkim',
    role: 'signer',
    concerns: ({ key, header }) => header === 'simple' && key.algorithm === 'ed25519-sha256',
  },
];

function can({ name, algorithms }: DkimPeer, job: ShapedJob, role: 'signer' | 'verifier'): boolean {
  const isBeyond = (limit: Limit): boolean =>
    limit.peer === name && (limit.role ?? role) === role && limit.concerns(job);
  return algorithms.has(job.key.algorithm) && !limits.some(isBeyond);
}

/** Every shape with RSA-2048, and some of them with the other keys; in all four canonicalizations. RSA-4096 is slow. */
function allJobs(pairs: DkimKeyPairs, large: DkimKeyPair): readonly ShapedJob[] {
  const shapes = Object.entries(messageShapes);
  const some = shapes.filter(([shape]) => ['no body', 'runs of white space', 'eight bits'].includes(shape));
  const jobs = ([key, own]: readonly [DkimKeyPair, typeof shapes]): readonly ShapedJob[] =>
    own.flatMap(([shape, make]) =>
      canonicalizations.flatMap((header) =>
        canonicalizations.map((body) => ({
          ...{ shape, key, header, body, message: make(key.domain), fields: signedFields },
          oversign: shape === 'repeated fields',
        })),
      ),
    );
  return [
    ...jobs([pairs.rsa2048, shapes]),
    ...jobs([pairs.rsa1024, some]),
    ...jobs([large, some.slice(0, 1)]),
    ...jobs([pairs.ed25519, some]),
  ];
}

describeWith(dkimPeerServers, 'DKIM across implementations', () => {
  /** By signer: how many judgements there are by each verifier, and those that are no pass. */
  const judged = new Map(
    everyone.map(({ name }) => [name, { counts: new Map<string, number>(), refused: [] as string[] }]),
  );

  beforeAll(async () => {
    const [pairs, large] = await Promise.all([makeKeyPairs(), makeRsaKeyPair(4_096)]);
    const jobs = allJobs(pairs, large);
    const records = recordsOf([...Object.values(pairs), large]);
    const signed: (ShapedJob & { readonly signer: string })[] = [];
    for (const signer of everyone) {
      const own = jobs.filter((job) => can(signer, job, 'signer'));
      const messages = await signer.sign(own);
      for (const [at, message] of messages.entries()) {
        const job = own[at];
        if (job !== undefined) signed.push({ ...job, message, signer: signer.name });
      }
    }
    for (const verifier of everyone) {
      const own = signed.filter((job) => can(verifier, job, 'verifier'));
      const messages = own.map(({ message }) => message);
      const verdicts = await verifier.verify(messages, records);
      for (const [at, { signer, shape, key, header, body }] of own.entries()) {
        const { counts, refused } = judged.get(signer) ?? {};
        counts?.set(verifier.name, (counts.get(verifier.name) ?? 0) + 1);
        const { pass = false, detail = '' } = verdicts[at] ?? {};
        if (!pass) refused?.push(`${verifier.name}: ${shape}, ${key.domain}, ${header}/${body}: ${detail}`);
      }
    }
  }, PATIENCE_MS);

  it.each(everyone)('passes everywhere when $name signs', ({ name }) => {
    const { counts, refused } = judged.get(name) ?? {};
    expect(refused).toEqual([]);
    expect([...(counts?.keys() ?? [])]).toEqual(everyone.map((peer) => peer.name));
    for (const [verifier, count] of counts ?? []) expect(count, verifier).toBeGreaterThan(50);
  });
});

import { beforeAll, expect, it } from 'vitest';
import { type DkimKeyPairs, makeKeyPairs, recordsOf } from './dkim-key-pairs.ts';
import { messageShapes, signedFields } from './dkim-messages.ts';
import type { DkimKeyPair, DkimPeer, SigningJob } from './dkim-peer.ts';
import { dkimPeerServers, dkimPeers, postern } from './dkim-peers.ts';
import { describeWith } from './real-server.ts';

/** For whole batches of other processes on a busy machine. */
const PATIENCE_MS = 120_000;

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

/** Every shape with RSA-2048, and some of them with the other keys; in all four canonicalizations. */
function allJobs(pairs: DkimKeyPairs): readonly ShapedJob[] {
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
    ...jobs([pairs.rsa4096, some]),
    ...jobs([pairs.ed25519, some]),
  ];
}

describeWith(dkimPeerServers, 'DKIM across implementations', () => {
  let pairs: DkimKeyPairs;

  beforeAll(async () => {
    pairs = await makeKeyPairs();
  }, PATIENCE_MS);

  /** Everyone's refusals of what this one signs, and how often everyone was asked. */
  async function refusals(
    signer: DkimPeer,
  ): Promise<{ refused: readonly string[]; asked: ReadonlyMap<string, number> }> {
    const jobs = allJobs(pairs).filter((job) => can(signer, job, 'signer'));
    const signed = await signer.sign(jobs);
    const refused: string[] = [];
    const asked = new Map<string, number>();
    const judgements = everyone.map(async (verifier) => {
      const own = jobs.map((job, at) => ({ ...job, message: signed[at] ?? job.message }));
      const known = own.filter((job) => can(verifier, job, 'verifier'));
      const messages = known.map(({ message }) => message);
      const verdicts = await verifier.verify(messages, recordsOf(pairs));
      asked.set(verifier.name, verdicts.length);
      for (const [at, { shape, key, header, body }] of known.entries()) {
        const { pass = false, detail = '' } = verdicts[at] ?? {};
        if (!pass) refused.push(`${verifier.name}: ${shape}, ${key.domain}, ${header}/${body}: ${detail}`);
      }
    });
    await Promise.all(judgements);
    return { refused, asked };
  }

  it.each(everyone)(
    'passes everywhere when $name signs',
    async (signer) => {
      const { refused, asked } = await refusals(signer);
      expect(refused).toEqual([]);
      expect([...asked.keys()].sort()).toEqual(everyone.map(({ name }) => name).sort());
      for (const [name, count] of asked) expect(count, name).toBeGreaterThan(70);
    },
    PATIENCE_MS,
  );
});

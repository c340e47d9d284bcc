import {
  type CheckRun,
  type Context,
  MemoryStore,
  mailboxPath,
  type RecipientOpinion,
  type Report,
  type Session,
  systemClock,
} from '@postern/core';
import { sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { RelayAclHooks } from './check-settings.ts';
import { type RecipientLookup, recipientSet } from './recipient-set.ts';
import { relayAcl } from './relay-acl-check.ts';

const context: Context = { resolver: new ZoneResolver(), store: new MemoryStore(), clock: systemClock };
const { signal } = new AbortController();
const domains = { localDomains: ['ours.example'], relayDomains: ['backup.example'] };

function start(hooks: RelayAclHooks, session: Session = sampleSession('203.0.113.9')): CheckRun {
  const run = relayAcl({ ...domains, ...hooks }).start(session, context);
  if (run === undefined) throw new TypeError('the check did not start');
  return run;
}

async function recipient(run: CheckRun, address: string): Promise<RecipientOpinion> {
  const opinion = await run.recipient?.(sampleTransaction(), mailboxPath(address), signal);
  if (opinion === undefined) throw new TypeError('no opinion');
  return opinion;
}

const unknown = {
  finding: { kind: 'relay-acl/unknown-recipient' },
  verdict: 'reject',
  reply: { code: 550, enhanced: '5.1.1' },
};
const deferred = {
  finding: { kind: 'relay-acl/lookup-failed' },
  verdict: 'defer',
  reply: { code: 451, enhanced: '4.3.0' },
};
const tooMany = {
  finding: { kind: 'relay-acl/too-many-unknown' },
  verdict: 'defer',
  reply: { code: 421, enhanced: '4.7.0' },
};

describe('the recipients of relayAcl', () => {
  const recipients = ['ann@ours.example', 'Bob@ours.example'];

  it.each(['ann@ours.example', 'ANN@Ours.Example', 'bob@ours.example', '"ann"@ours.example'])(
    'let %s in',
    async (address) => {
      expect(await recipient(start({ recipients }), address)).toMatchObject({
        permit: 'local',
        finding: { kind: 'relay-acl/local' },
      });
    },
  );

  it.each(['eve@ours.example', 'ann+x@ours.example', 'anna@ours.example'])('do not let %s in', async (address) => {
    const opinion = await recipient(start({ recipients }), address);
    expect(opinion).toMatchObject({ ...unknown, finding: { recipient: address, matched: 'ours.example' } });
    expect(opinion.permit).toBeUndefined();
  });

  it.each(['postmaster', 'Postmaster@ours.example'])('always have %s among them (RFC 5321 §4.5.1)', async (address) => {
    expect((await recipient(start({ recipients: [] }), address)).permit).toBe('local');
  });

  it('do not help who is denied, and are not asked', async () => {
    const asked: string[] = [];
    const lookup: RecipientLookup = ({ address }) => asked.push(address) > 0;
    const run = start({ recipients: lookup });
    for (const address of ['a@victim.example', 'a%b@ours.example', 'a@ours.example.', 'a@[192.0.2.1]', '']) {
      expect(await recipient(run, address)).toMatchObject({ verdict: 'reject', reply: { enhanced: '5.7.1' } });
    }
    expect(asked).toEqual([]);
  });

  it('speak of mail for others only where they are told to', async () => {
    const run = start({ recipients: [] });
    expect((await recipient(run, 'a@backup.example')).permit).toBe('relay');
    expect(await recipient(start({ recipients: [], verifyRelayDomains: true }), 'a@backup.example')).toMatchObject(
      unknown,
    );
    const user = start({ recipients: [], verifyRelayDomains: true }, sampleSession('203.0.113.9', { user: 'ann' }));
    expect((await recipient(user, 'a@elsewhere.example')).permit).toBe('relay');
    expect(await recipient(user, 'a@ours.example')).toMatchObject(unknown);
  });

  it('compare as they are told to', async () => {
    const plus = recipientSet(recipients, { subaddressSeparator: '+', ignoreCase: false });
    expect((await recipient(start({ recipients: plus }), 'ann+x@ours.example')).permit).toBe('local');
    expect(await recipient(start({ recipients: plus }), 'bob@ours.example')).toMatchObject(unknown);
    expect((await recipient(start({ recipients: new Set(['ours.example']) }), 'any@ours.example')).permit).toBe(
      'local',
    );
  });

  const failures: Readonly<Record<string, RecipientLookup>> = {
    throws: () => {
      throw new Error('no database');
    },
    rejects: () => Promise.reject(new Error('no database')),
    // @ts-expect-error as a program without types would
    'answers undefined': () => undefined,
    // @ts-expect-error as a program without types would
    'answers a row': async () => ({ name: 'ann' }),
    'is late': () => new Promise(() => {}),
  };

  it.each(Object.entries(failures))('are neither there nor not there for a function that %s', async (_, lookup) => {
    const hooks = { recipients: lookup, lookupTimeoutMs: 20 };
    const opinion = await recipient(start(hooks), 'ann@ours.example');
    expect(opinion).toMatchObject(deferred);
    expect(opinion.permit).toBeUndefined();
    const permitted = await recipient(start({ ...hooks, onRecipientFailure: 'permit' }), 'ann@ours.example');
    expect(permitted).toMatchObject({ finding: deferred.finding, permit: 'local' });
    expect(permitted.verdict).toBeUndefined();
  });

  it('get to know for whom they are asked', async () => {
    const transaction = sampleTransaction();
    const asked: unknown[] = [];
    const run = start({ recipients: (path, options) => asked.push(path, options.transaction) > 0 });
    const path = mailboxPath('ann@ours.example', { NOTIFY: 'NEVER' });
    await run.recipient?.(transaction, path, signal);
    expect(asked).toEqual([path, transaction]);
  });

  it.each<[unknown, string]>([
    ['ann@ours.example', 'option "recipients" must be a list of addresses'],
    [[1], 'option "recipients" must be a list of addresses'],
    [['ann@'], '"ann@" is neither an address'],
  ])('cannot be %o', (wrong, message) => {
    expect(() => Reflect.apply(relayAcl, undefined, [{ ...domains, recipients: wrong }])).toThrow(message);
  });
});

describe('a session that tries out addresses', () => {
  const hooks = { recipients: ['ann@ours.example'], maxUnknownRecipients: 3 };

  async function tryOut(run: CheckRun, count: number): Promise<readonly number[]> {
    const codes: number[] = [];
    for (let n = 0; n < count; n++) {
      const opinion = await recipient(run, `x${n}@ours.example`);
      codes.push(opinion.verdict === 'reject' || opinion.verdict === 'defer' ? (opinion.reply?.code ?? 0) : 250);
    }
    return codes;
  }

  it('is ended, and told nothing more', async () => {
    const run = start(hooks);
    expect(await tryOut(run, 3)).toEqual([550, 550, 550]);
    expect((await recipient(run, 'ann@ours.example')).permit).toBe('local');
    expect(await recipient(run, 'x@ours.example')).toMatchObject(tooMany);
    expect(await recipient(run, 'ann@ours.example')).toMatchObject(tooMany);
  });

  it('may try out 20 by default, or as many as it likes', async () => {
    expect((await tryOut(start({ recipients: [] }), 21)).indexOf(421)).toBe(20);
    expect(await tryOut(start({ ...hooks, maxUnknownRecipients: Number.POSITIVE_INFINITY }), 200)).not.toContain(421);
    expect(await tryOut(start({ ...hooks, maxUnknownRecipients: 0 }), 1)).toEqual([421]);
  });

  it('may go on when the client is known', async () => {
    expect(await tryOut(start(hooks, sampleSession('203.0.113.9', { user: 'ann' })), 10)).not.toContain(421);
    expect(await tryOut(start(hooks, sampleSession('203.0.113.9', { trusted: true })), 10)).not.toContain(421);
  });

  it('is not held against another', async () => {
    const check = relayAcl({ ...domains, ...hooks });
    const [first, second] = [sampleSession('203.0.113.9'), sampleSession('203.0.113.9')].map((each) =>
      check.start(each, context),
    );
    if (first === undefined || second === undefined) throw new TypeError('the check did not start');
    await tryOut(first, 5);
    expect(await tryOut(second, 1)).toEqual([550]);
  });

  function report(...enhanced: readonly string[]): Report {
    const { id, client, service, trusted, startedAt } = sampleSession();
    const session = { id, client, service, trusted, startedAt };
    const recipients = enhanced.map((status, n) => ({
      address: `r${n}@ours.example`,
      reply: { code: status.startsWith('2') ? 250 : 550, enhanced: status, text: 'x' },
    }));
    const facts = { version: 1, kind: 'transaction', id: 't', startedAt: 0, durationMs: 0, score: 0 } as const;
    return { ...facts, session, recipients, opinions: [], outcome: 'rejected' };
  }

  it('is counted what the backend refused as unknown, and no recipient twice', async () => {
    const run = start(hooks);
    await tryOut(run, 2);
    run.report?.(report('5.1.1', '5.1.1', '5.7.1', '2.1.5'));
    expect(await tryOut(run, 1)).toEqual([550]);
    run.report?.(report('5.1.1', '5.1.1'));
    expect(await recipient(run, 'ann@ours.example')).toMatchObject(tooMany);
  });

  it('is counted what the backend alone knows', async () => {
    const run = start({ maxUnknownRecipients: 3 });
    run.report?.(report('5.1.1', '5.1.10', '5.1.1', '5.2.2'));
    expect((await recipient(run, 'ann@ours.example')).permit).toBe('local');
    run.report?.(report('5.1.1'));
    expect(await recipient(run, 'ann@ours.example')).toMatchObject(tooMany);
  });

  it.each([-1, 1.5, Number.NaN, '20'])('cannot be bounded by %s', (most) => {
    const make = (): unknown => Reflect.apply(relayAcl, undefined, [{ ...domains, maxUnknownRecipients: most }]);
    expect(make).toThrow('option "maxUnknownRecipients"');
  });
});

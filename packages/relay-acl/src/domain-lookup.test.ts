import { getEventListeners } from 'node:events';
import { checkFailed, isPending } from '@postern/core';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { DomainList, DomainLookup } from './domain-source.ts';
import { RelayAcl, type RelayAclOptions } from './relay-acl.ts';
import type { RelayDecision } from './relay-decision.ts';

const stranger = { ip: '203.0.113.9' };
const member = { ip: '203.0.113.9', user: 'alice' };
const ours = new Set(['ours.example', 'xn--bcher-kva.example']);
const customers = new Set(['customer.example']);

/** As JavaScript may have it: a lookup that answers what it must not. */
function lookupOf(answer: () => unknown): DomainLookup {
  // @ts-expect-error as a program without types would
  return answer;
}

describe('RelayAcl with lookups of domains', () => {
  const acl = new RelayAcl({
    localDomains: async (domain) => ours.has(domain),
    relayDomains: (domain) => customers.has(domain),
    trustedNetworks: ['198.51.100.0/24'],
  });

  it.each([
    [stranger, 'user@Ours.example', 'local', 'local-domain', 'ours.example'],
    [stranger, 'user@BÜCHER.example', 'local', 'local-domain', 'xn--bcher-kva.example'],
    [member, 'user@ours.example', 'local', 'local-domain', 'ours.example'],
    [stranger, 'postmaster', 'local', 'postmaster', 'postmaster'],
    [stranger, 'user@customer.example', 'relay', 'relay-domain', 'customer.example'],
    [member, 'user@victim.example', 'relay', 'authenticated', 'alice'],
    [{ ip: '198.51.100.1' }, 'user@victim.example', 'relay', 'trusted-network', '198.51.100.0/24'],
    [stranger, 'user@victim.example', 'deny', 'relay-denied', 'victim.example'],
    [stranger, 'user%victim.example@ours.example', 'deny', 'percent-hack', 'ours.example'],
    [member, 'victim.example!user@customer.example', 'deny', 'bang-path', 'customer.example'],
    [stranger, 'user@ours.example@victim.example', 'deny', 'nested-address', ''],
    [stranger, 'user@[192.0.2.25]', 'deny', 'address-literal', '[192.0.2.25]'],
    [{ ip: 'unknown' }, 'user@ours.example', 'deny', 'client-address', ''],
  ])('%j to %s: %s', async (client, recipient, decision, reason, matched) => {
    expect(await acl.decide({ ...client, recipient })).toMatchObject({ decision, reason, matched });
  });

  it('always gives a promise, whatever it finds', () => {
    for (const recipient of ['user@ours.example', 'postmaster', '', 'user@victim.example']) {
      expect(isPending(acl.decide({ ...stranger, recipient }))).toBe(true);
    }
  });

  it('asks for names alone, in the form that names compare in, and for relayed ones only when they are not local', async () => {
    const local = vi.fn(async (domain: string) => domain === 'ours.example');
    const relayed = vi.fn(() => false);
    const asking = new RelayAcl({ localDomains: local, relayDomains: relayed });
    for (const recipient of ['user@OURS.example', 'user@Bücher.example', 'user@[192.0.2.1]', 'postmaster', 'x@y.']) {
      await asking.decide({ ...stranger, recipient });
    }
    expect(local.mock.calls.map(([domain]) => domain)).toEqual(['ours.example', 'xn--bcher-kva.example']);
    expect(relayed.mock.calls).toHaveLength(1);
  });

  it('mixes lists and lookups', async () => {
    const listed = new RelayAcl({ localDomains: ['ours.example', '[192.0.2.25]'], relayDomains: async () => true });
    expect((await listed.decide({ ...stranger, recipient: 'user@ours.example' })).decision).toBe('local');
    expect((await listed.decide({ ...stranger, recipient: 'user@[192.0.2.25]' })).decision).toBe('local');
    expect((await listed.decide({ ...stranger, recipient: 'user@[192.0.2.26]' })).reason).toBe('address-literal');
    expect((await listed.decide({ ...stranger, recipient: 'user@else.example' })).reason).toBe('relay-domain');
    const asked = new RelayAcl({ localDomains: () => false, relayDomains: ['.backup.example'] });
    expect((await asked.decide({ ...stranger, recipient: 'user@a.backup.example' })).reason).toBe('relay-domain');
  });

  const failures: [string, DomainLookup][] = [
    ['throws', lookupOf(() => Reflect.apply(String.prototype.at, null, []))],
    ['rejects', () => Promise.reject(new Error('no connection'))],
    ['answers nothing', lookupOf(() => undefined)],
    ['answers later with nothing', lookupOf(async () => undefined)],
    ['answers a number', lookupOf(() => 1)],
    ['answers a row', lookupOf(async () => [{ domain: 'ours.example' }])],
    ['answers a word', lookupOf(() => 'false')],
    ['does not answer', () => new Promise(() => {})],
  ];

  describe.each(failures)('of which one %s', (_, failing) => {
    const bounds = { lookupTimeoutMs: 20 };
    const local = new RelayAcl({ localDomains: failing, ...bounds });
    const relayed = new RelayAcl({ localDomains: ['ours.example'], relayDomains: failing, ...bounds });

    it.each([stranger, member, { ip: '198.51.100.1' }])('says 451 to %j', async (client) => {
      for (const asking of [local, relayed]) {
        const decision: RelayDecision = await asking.decide({ ...client, recipient: 'user@victim.example' });
        expect(decision).toEqual({
          decision: 'deny',
          reason: 'lookup-failed',
          matched: 'victim.example',
          summary: expect.stringMatching(/^Whether victim\.example is a domain of ours is not known: .+\.$/),
          reply: checkFailed,
        });
      }
    });

    it('still takes what needs no lookup', async () => {
      expect((await local.decide({ ...stranger, recipient: 'postmaster' })).decision).toBe('local');
      expect((await relayed.decide({ ...stranger, recipient: 'user@ours.example' })).decision).toBe('local');
      expect((await local.decide({ ...stranger, recipient: 'user@' })).reason).toBe('bad-domain');
    });
  });

  it('stops waiting when the signal says so, tells the lookup, and leaves no listener behind', async () => {
    let waiting: AbortSignal | undefined;
    const asking = new RelayAcl({
      localDomains: (_, { signal }) => {
        waiting = signal;
        return new Promise<boolean>(() => {});
      },
    });
    const gone = new AbortController();
    const decision = asking.decide({ ...stranger, recipient: 'user@ours.example' }, { signal: gone.signal });
    expect(waiting?.aborted).toBe(false);
    gone.abort();
    expect((await decision).reason).toBe('lookup-failed');
    expect(waiting?.aborted).toBe(true);
    expect(getEventListeners(gone.signal, 'abort')).toEqual([]);
    expect((await asking.decide({ ...stranger, recipient: 'a@b.example' }, { signal: gone.signal })).reason).toBe(
      'lookup-failed',
    );
  });

  it('refuses bounds that are none', () => {
    for (const lookupTimeoutMs of [0, 1.5, Number.POSITIVE_INFINITY]) {
      expect(() => new RelayAcl({ localDomains: () => false, lookupTimeoutMs })).toThrow(RangeError);
    }
  });

  it('gives a decision with lists, a promise with functions, and one or the other where that is open', () => {
    const request = { ...stranger, recipient: 'user@ours.example' };
    const listed = new RelayAcl({ localDomains: ['ours.example'], relayDomains: new Set<string>() });
    expectTypeOf(listed.decide(request)).toEqualTypeOf<RelayDecision>();
    expectTypeOf(acl.decide(request)).toEqualTypeOf<Promise<RelayDecision>>();
    const options: RelayAclOptions = { localDomains: ['ours.example'] };
    const open = new RelayAcl(options);
    expectTypeOf(open.decide(request)).toEqualTypeOf<RelayDecision | Promise<RelayDecision>>();
    expectTypeOf(listed).toExtend<RelayAcl>();
    expectTypeOf(acl).toExtend<RelayAcl>();
    expectTypeOf(listed).toExtend<RelayAcl<RelayAclOptions<DomainList>>>();
    expectTypeOf(acl).not.toExtend<RelayAcl<RelayAclOptions<DomainList>>>();
    // @ts-expect-error an option that there is not
    expect(() => new RelayAcl({ localDomains: [], relayDomain: [] })).toThrow('unknown option "relayDomain"');
  });
});

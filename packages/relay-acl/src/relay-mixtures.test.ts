import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RelayAcl } from './relay-acl.ts';
import { relayTricks, type TrickNames } from './relay-trick.ts';
import { mailboxOf } from './test-oracle.ts';

// Whatever tricks are mixed: a stranger never relays, and reaches only what a correct parser puts into our domain.

const names: TrickNames = { ours: 'ours.example', victim: 'victim.example', ip: '192.0.2.25' };
const ours = ['ours.example', 'other-ours.example'];
const acl = new RelayAcl({ localDomains: ours });
const asking = new RelayAcl({ localDomains: (domain) => ours.includes(domain) });

const tricks = relayTricks.map((trick) => trick.rcptTo(names)).filter((text) => text.length < 200);
const pieces = [
  ...'@@%!"\\:,;.<>() =?',
  'user',
  'postmaster',
  'ours.example',
  'other-ours.example',
  'OURS.example',
  'victim.example',
  'sub.',
  '[127.0.0.1]',
  '[IPv6:::1]',
  '=?utf-8?q?',
  'IMCEASMTP-',
  '\0',
  '\r\n',
  'ü',
  '\u3002',
  '\uff20',
  '\uff05',
  '\u00ad',
  '\u200d',
  '\u0308',
  '\ud83d',
];

const trick = fc.constantFrom(...tricks);
const bare = trick.map((text) => text.replace(/^<|>$/g, ''));
const mixture = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => parts.join(''));
/** The beginning of one and the end of another, with something between. */
const grafted = fc
  .tuple(bare, bare, fc.constantFrom('', ...pieces), fc.nat(), fc.nat())
  .map(
    ([one, two, between, from, to]) =>
      one.slice(0, from % (one.length + 1)) + between + two.slice(to % (two.length + 1)),
  );
/** Something put into one, or taken out. */
const mutated = fc
  .tuple(bare, fc.constantFrom('', ...pieces), fc.nat(), fc.nat({ max: 3 }))
  .map(([text, put, where, taken]) => {
    const at = where % (text.length + 1);
    return text.slice(0, at) + put + text.slice(at + taken);
  });
const wrapped = fc
  .tuple(
    fc.oneof(bare, mixture),
    fc.constantFrom('@ours.example', '"@ours.example', '@victim.example', ''),
    fc.constantFrom('', '"', '<', '@ours.example:'),
  )
  .map(([text, after, before]) => before + text + after);
const recipients = fc.oneof(
  trick,
  bare,
  grafted,
  mutated,
  wrapped,
  mixture,
  fc.string({ unit: 'binary' }),
  fc.emailAddress(),
);
const ips = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('127.0.0.1', '::1', '10.0.0.1'));

/** Characters that a next server routes by, or that become such by normalization. */
const routing = /[%!:@]|=\?|^"?imceasmtp-/i;

describe('for any mixture of tricks', () => {
  it('a stranger never relays, and reaches only mailboxes of ours by whose local part no server could route', () => {
    let localDecisions = 0;
    fc.assert(
      fc.property(ips, recipients, fc.boolean(), (ip, recipient, smtpUtf8) => {
        const { decision } = acl.decide({ ip, mailFrom: 'user@ours.example', recipient, smtpUtf8 });
        expect(decision).not.toBe('relay');
        if (decision !== 'local' || recipient.toLowerCase() === 'postmaster') return;
        localDecisions++;
        const mailbox = mailboxOf(recipient, smtpUtf8);
        expect(ours).toContain(mailbox?.domain);
        expect(mailbox?.localPart.normalize('NFKC')).not.toMatch(routing);
        expect(Buffer.byteLength(mailbox?.localPart ?? '')).toBeLessThanOrEqual(64);
      }),
      { numRuns: 15_000 },
    );
    // The property says nothing if hardly anything was local.
    expect(localDecisions).toBeGreaterThan(40);
  });

  it('denies a stranger no plain mailbox of ours', () => {
    fc.assert(
      fc.property(recipients, (recipient) => {
        const mailbox = mailboxOf(recipient, false);
        if (mailbox === undefined || !ours.includes(mailbox.domain)) return;
        const { localPart } = mailbox;
        // A route from the left to whoever splits there.
        if (routing.test(localPart) || localPart.length > 64 || /[.\u3002]$/.test(recipient)) return;
        expect(acl.decide({ ip: '203.0.113.9', recipient }).decision).toBe('local');
      }),
      { numRuns: 5_000 },
    );
  });

  it('a user reaches what a stranger reaches, and relays only to what has a domain', () => {
    fc.assert(
      fc.property(recipients, fc.boolean(), (recipient, smtpUtf8) => {
        const asStranger = acl.decide({ ip: '203.0.113.9', recipient, smtpUtf8 });
        const asUser = acl.decide({ ip: '203.0.113.9', user: 'alice', recipient, smtpUtf8 });
        if (asUser.decision === 'relay') {
          expect(asStranger).toMatchObject({ decision: 'deny', reason: 'relay-denied' });
          expect(mailboxOf(recipient, smtpUtf8)?.domain ?? '').not.toBe('');
        } else {
          expect(asUser).toEqual(asStranger);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('a lookup leads to the same decisions as a list', async () => {
    await fc.assert(
      fc.asyncProperty(recipients, fc.boolean(), async (recipient, smtpUtf8) => {
        const request = { ip: '203.0.113.9', recipient, smtpUtf8 };
        const { decision, reason, matched } = acl.decide(request);
        expect(await asking.decide(request)).toMatchObject({ decision, reason, matched });
      }),
      { numRuns: 2_000 },
    );
  });
});

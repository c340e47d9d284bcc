import type { Path, Session } from '@postern/core';
import { sampleSession, sampleTransaction } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { receivedField } from './received-field.ts';

const ipv4 = { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: 0xc0000201 } as const;
const ipv6 = { family: 6, word0: 0x20010db8, word1: 0, word2: 0, word3: 1 } as const;
const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', servername: undefined };
const receivedAt = Date.UTC(2026, 10, 22, 1, 2, 3);

function path(address: string, parameters: Path['parameters'] = {}): Path {
  const at = address.lastIndexOf('@');
  return { address, localPart: address.slice(0, at), domain: address.slice(at + 1), parameters };
}

function received(session: Partial<Session>, recipients: readonly Path[], reversePath = path('a@example.org')): string {
  const transaction = sampleTransaction({
    reversePath,
    recipients,
    session: sampleSession('192.0.2.1', { helo: 'mail.example.org', ...session }),
  });
  return receivedField({ hostname: 'mx.example.net', transaction, receivedAt });
}

/** What stands behind `word` up to the next space or line. */
function clause(field: string, word: string): string | undefined {
  const parts = field.split(/\s+/);
  const at = parts.indexOf(word);
  return at === -1 ? undefined : parts[at + 1];
}

describe('receivedField', () => {
  it('says who came, from where, to whom, how and when', () => {
    expect(received({ tls }, [path('user@example.net')])).toBe(
      'Received: from mail.example.org ([192.0.2.1])\r\n' +
        ' by mx.example.net with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id t1\r\n' +
        ' for <user@example.net>; Sun, 22 Nov 2026 01:02:03 +0000\r\n',
    );
  });

  it('names no recipient when there are several', () => {
    const field = received({}, [path('user@example.net'), path('hidden@example.net')]);
    expect(field).not.toContain('@example.net');
    expect(field).toMatch(/ id t1; Sun, 22 Nov 2026 01:02:03 \+0000\r\n$/);
  });

  const utf8 = path('a@example.org', { SMTPUTF8: true });
  it.each([
    ['SMTP', { esmtp: false }, undefined],
    ['ESMTP', {}, undefined],
    ['ESMTPS', { tls }, undefined],
    ['ESMTPA', { user: 'u' }, undefined],
    ['ESMTPSA', { tls, user: 'u' }, undefined],
    ['UTF8SMTP', {}, utf8],
    ['UTF8SMTPSA', { tls, user: 'u' }, utf8],
  ])('uses the word %s of RFC 3848 and RFC 6531', (word, session, reversePath) => {
    expect(clause(received(session, [], reversePath), 'with')).toBe(word);
  });

  it('does not say who logged in', () => {
    expect(received({ user: 'alice' }, [])).not.toContain('alice');
  });

  it('writes IPv6 addresses as literals, without a zone', () => {
    expect(received({ client: { address: '2001:db8::1', port: 1, ip: ipv6 } }, [])).toContain('([IPv6:2001:db8::1])');
    expect(received({ client: { address: 'fe80::1%eth0', port: 1, ip: ipv6 } }, [])).toContain('([IPv6:fe80::1])');
    expect(received({ client: { address: '/run/x)\r\n', port: 1, ip: undefined } }, [])).toContain('(unknown)\r\n by');
  });

  it.each([
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[IPv6:2001:db8::1]', '[IPv6:2001:db8::1]'],
    ['my_pc.local', 'my_pc.local'],
    ['a b', 'a?b'],
    ['x) by evil (\r\n\r\nSubject: y', 'x??by?evil??????Subject??y'],
    ['bücher.example', 'b?cher.example'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('writes the HELO %j as %s', (helo, word) => {
    expect(clause(received({ helo }, []), 'from')).toBe(word);
  });

  it('leaves out a recipient that could break the field, and an international one in a message that is not', () => {
    for (const odd of ['"a b"@x', 'a>b@x', 'a\r\nb@x', 'a\u2028b@x', 'jörg@example.net']) {
      expect(clause(received({}, [path(odd)]), 'for')).toBeUndefined();
    }
    expect(clause(received({}, [path('jörg@example.net')], utf8), 'for')).toBe('<jörg@example.net>;');
    expect(clause(received({}, [path('a\u2028b@x')], utf8), 'for')).toBeUndefined();
  });

  it('is one folded field whatever the client says', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 400 });
    fc.assert(
      fc.property(hostile, hostile, hostile, fc.boolean(), (helo, recipient, address, international) => {
        const field = received(
          { helo, client: { address, port: 1, ip: ipv4 } },
          [path(recipient)],
          international ? utf8 : undefined,
        );
        expect(field).toMatch(
          /^Received: from \S+ \(\S+\)\r\n by [^\r\n]+(\r\n for <[^\r\n<>]+>)?; [^\r\n;]+ \+0000\r\n$/,
        );
        for (const line of field.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThan(998);
      }),
    );
  });
});

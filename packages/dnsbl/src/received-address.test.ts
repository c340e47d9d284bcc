import { formatIp } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { receivedAddress } from './received-address.ts';

function read(value: string): string {
  const found = receivedAddress(value);
  return typeof found === 'string' ? found : formatIp(found);
}

describe('receivedAddress', () => {
  it.each([
    ['Postfix', 'from helo.example (rdns.example [9.9.8.7]) by mx.example (Postfix) with ESMTPS id 4XYZ', '9.9.8.7'],
    ['Postfix, IPv6', 'from h (unknown [IPv6:2a00::1]) by mx.example with ESMTP id 1', '2a00::1'],
    ['Postfix, with TLS told of', 'from h (r [9.9.8.7]) (using TLSv1.3 with cipher X (256/256 bits)) by m', '9.9.8.7'],
    ['Sendmail', 'from h (rdns.example [9.9.8.7] (may be forged)) by mx.example (8.17/8.17) with ESMTP', '9.9.8.7'],
    ['Exim', 'from rdns.example ([9.9.8.7] helo=h) by mx.example with esmtps', '9.9.8.7'],
    ['Exim, with a port', 'from rdns.example ([9.9.8.7]:40125 helo=h) by mx.example', '9.9.8.7'],
    ['Exim, without a name', 'from [9.9.8.7] (helo=h.example) by mx.example with esmtp', '9.9.8.7'],
    ['Exim, HELO a literal', 'from [9.9.8.7] (helo=[8.8.4.4]) by mx.example with esmtp', '9.9.8.7'],
    ['Exim, HELO another literal', 'from r ([9.9.8.7] helo=[8.8.4.4]) by mx.example', '9.9.8.7'],
    ['qmail', 'from unknown (HELO h.example) (9.9.8.7) by mx.example with SMTP; 1 Jan', '9.9.8.7'],
    ['qmail, HELO a literal', 'from unknown (HELO [8.8.4.4]) (user@9.9.8.7) by mx.example', '9.9.8.7'],
    [
      'Exchange',
      'from A.example (2603:10a6:803:5::1) by B.example (2603:10a6:20b:1::2) with Microsoft',
      '2603:10a6:803:5::1',
    ],
    ['Gmail', 'from m.google.com (m.google.com. [9.9.8.7]) by mx.google.com with ESMTPS id x', '9.9.8.7'],
    ['ours', 'from mail.example.org ([9.9.8.7]) by mx.example.net with ESMTPS (TLSv1.3 X) id 7f3a', '9.9.8.7'],
    ['a HELO literal that lies', 'from [8.8.4.4] (rdns.example [9.9.8.7]) by mx.example', '9.9.8.7'],
    ['case', 'FROM h (r [ipv6:2A00::1]) BY mx.example', '2a00::1'],
    ['no space before the comment', 'from h(r [9.9.8.7])by mx.example', '9.9.8.7'],
    ['an address that speaks of the receiver', 'from h by mx.example ([9.9.8.7])', 'none'],
    ['a local submission', 'by mx.example (Postfix, from userid 1000) id 4XYZ', 'none'],
    ['a bare HELO that is an address', 'from 8.8.4.4 by mx.example', 'none'],
    ['only HELO', 'from h (HELO 8.8.4.4) by mx.example', 'none'],
    ['nothing', '', 'none'],
    ['another word', 'fromage (r [9.9.8.7]) by mx.example', 'none'],
    ['a comment without an end', 'from h (r [9.9.8.7] by mx.example', 'unreadable'],
    ['an escaped parenthesis', 'from h (a\\) [9.9.8.7]) by mx.example', '9.9.8.7'],
  ])('%s', (_, value, address) => {
    expect(read(value)).toBe(address);
  });

  it('reads anything at once', () => {
    const unit = fc.constantFrom('from ', ' by ', '(', ')', '[', ']', '\\', ' ', '9.9.8.7', 'IPv6:', '@', 'helo=', 'x');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 200 }), (value) => {
        expect(read(`from ${value}`)).toMatch(/^[\da-f:.]+$|^none$|^unreadable$/);
      }),
    );
    expect(read(`from ${'('.repeat(1_000_000)}`)).toBe('unreadable');
    expect(read(`from ${'x '.repeat(500_000)}([9.9.8.7])`)).toBe('none');
  });
});

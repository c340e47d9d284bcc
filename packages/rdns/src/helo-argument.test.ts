import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHelo } from './helo-argument.ts';

describe('parseHelo', () => {
  it.each([
    ['Mail.Example.COM', 'mail.example.com'],
    ['mailserver', 'mailserver'],
    ['WIN_HOST.example.com', 'win_host.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ])('takes %j for a domain', (helo, domain) => {
    expect(parseHelo(helo)).toEqual({ form: 'domain', domain });
  });

  it.each(['[192.0.2.1]', '[IPv6:2001:db8::1]', '[ipv6:::1]'])('takes %j for an address literal', (helo) => {
    expect(parseHelo(helo).form).toBe('address-literal');
  });

  it.each([
    '',
    '.',
    'example.com.',
    'a..b',
    '-a.example',
    'a b.example',
    'bücher.example',
    '192.0.2.1',
    '2001:db8::1',
    '[192.0.2.1',
    '[2001:db8::1]',
    '[IPv6:192.0.2.1]',
    '[IPv6:fe80::1%eth0]',
    '[192.0.2.01]',
    '[]',
    '[x-tag:anything]',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(130)}example`,
    'a\u0000.example',
  ])('takes %j for neither', (helo) => {
    expect(parseHelo(helo)).toEqual({ form: 'invalid' });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (helo) => void parseHelo(helo)));
  });
});

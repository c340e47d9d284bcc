import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDnsServer } from './dns-server-address.ts';

describe('parseDnsServer', () => {
  it.each([
    ['127.0.0.1', 'udp', '127.0.0.1', 53, 'udp://127.0.0.1:53'],
    ['127.0.0.1:5353', 'udp', '127.0.0.1', 5353, 'udp://127.0.0.1:5353'],
    ['::1', 'udp', '::1', 53, 'udp://[::1]:53'],
    ['[::1]', 'udp', '::1', 53, 'udp://[::1]:53'],
    ['[2001:DB8::1]:5353', 'udp', '2001:db8::1', 5353, 'udp://[2001:db8::1]:5353'],
    ['::ffff:192.0.2.1', 'udp', '192.0.2.1', 53, 'udp://192.0.2.1:53'],
    ['fe80::1%eth0', 'udp', 'fe80::1%eth0', 53, 'udp://[fe80::1%eth0]:53'],
    ['udp://192.0.2.1', 'udp', '192.0.2.1', 53, 'udp://192.0.2.1:53'],
    ['tcp://192.0.2.1:54', 'tcp', '192.0.2.1', 54, 'tcp://192.0.2.1:54'],
    ['tls://192.0.2.1', 'tls', '192.0.2.1', 853, 'tls://192.0.2.1:853'],
    ['tls://[::1]:8853', 'tls', '::1', 8853, 'tls://[::1]:8853'],
    ['TLS://DNS.Example.', 'tls', 'dns.example', 853, 'tls://dns.example:853'],
    ['https://dns.example/dns-query', 'https', 'dns.example', 443, 'https://dns.example/dns-query'],
    ['https://192.0.2.1:8443/', 'https', '192.0.2.1', 8443, 'https://192.0.2.1:8443/'],
    ['https://[::1]/q', 'https', '::1', 443, 'https://[::1]/q'],
  ])('reads %s', (text, protocol, host, port, url) => {
    expect(parseDnsServer(text)).toMatchObject({ protocol, host, port, url });
  });

  it.each([
    '',
    'localhost',
    'udp://dns.example',
    'tcp://dns.example',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:',
    '127.0.0.1:53x',
    '127.0.0.1/24',
    '[::1',
    '[::1]53',
    '[127.0.0.1]:53',
    '::1:',
    'tls://',
    'tls://dns.example/path',
    'tls://user@dns.example',
    'tls://a..b',
    'http://dns.example/dns-query',
    'https://',
    'https://user:secret@dns.example/dns-query',
    'https://dns.example/dns-query#x',
    'quic://192.0.2.1',
  ])('refuses %j', (text) => {
    expect(parseDnsServer(text)).toBeUndefined();
  });

  it('reads its own url', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `[${ip}]:${port}`),
      fc.webUrl().map((url) => url.replace(/^http:/, 'https:')),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (each) => {
        const address = parseDnsServer(each);
        if (address !== undefined) expect(parseDnsServer(address.url)).toEqual(address);
      }),
    );
  });
});

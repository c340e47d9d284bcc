import { createCertificate } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { OptionReader } from '../options.ts';
import { readServers } from './configured-server.ts';

const { cert, key } = createCertificate();

function read(server: object): unknown {
  return readServers(new OptionReader('DnsClient', { servers: [server] }));
}

describe('readServers', () => {
  it.each([[cert], [Buffer.from(cert)], [`# a bundle\n${cert}\n${cert}`], [[cert, Buffer.from(cert)]]])(
    'takes authorities in every form: %#',
    (ca) => {
      expect(read({ url: 'tls://192.0.2.1', ca })).toMatchObject([{ tls: { ca: Array.isArray(ca) ? ca : [ca] } }]);
    },
  );

  // What TLS would pass over in silence, or take for its default.
  it.each([[''], ['garbage'], [[]], [[cert, '']], [key], [cert.slice(0, 200)]])(
    'refuses authorities that are no certificates, and does not show them: %#',
    (ca) => {
      const message = 'DnsClient servers: option "ca" must be one or more certificates in PEM';
      expect(() => read({ url: 'tls://192.0.2.1', ca })).toThrow(new RangeError(message));
    },
  );

  it.each([{ servername: 'dns.test' }, { ca: cert }])('refuses what verifies nothing over UDP and TCP: %#', (tls) => {
    for (const url of ['192.0.2.1', 'tcp://192.0.2.1']) {
      expect(() => read({ url, ...tls })).toThrow(/has no use for "servername" and "ca"/);
    }
    expect(read({ url: 'tls://192.0.2.1', ...tls })).toMatchObject([{ address: { protocol: 'tls' } }]);
  });
});

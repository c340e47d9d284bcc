import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { createCertificate } from './certificate.ts';

it('says what it is for, and signs itself', () => {
  const { cert } = createCertificate({ names: ['mx.example.com', '*.example.com', '192.0.2.1', '2001:db8::1'] });
  const x509 = new X509Certificate(cert);
  expect(x509.subject).toBe('CN=mx.example.com');
  expect(x509.subjectAltName).toBe(
    'DNS:mx.example.com, DNS:*.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1',
  );
  expect(x509.ca).toBe(true);
  expect(x509.verify(x509.publicKey)).toBe(true);
  expect(x509.checkHost('a.example.com')).toBe('*.example.com');
  expect(x509.checkIP('192.0.2.1')).toBe('192.0.2.1');
  expect(Date.parse(x509.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(x509.validTo)).toBeGreaterThan(Date.now());
});

it('lasts from when to when it is told', () => {
  const notBefore = Date.UTC(1999, 11, 31, 23, 59, 58);
  const notAfter = Date.UTC(2051, 0, 2, 3, 4, 5);
  const x509 = new X509Certificate(createCertificate({ notBefore, notAfter }).cert);
  expect([Date.parse(x509.validFrom), Date.parse(x509.validTo)]).toEqual([notBefore, notAfter]);
});

it('has another key each time', () => {
  expect(createCertificate().key).not.toBe(createCertificate().key);
});

it('holds long lists of names', () => {
  const names = Array.from({ length: 100 }, (_, index) => `host-${index}.example.com`);
  const x509 = new X509Certificate(createCertificate({ names }).cert);
  expect(x509.checkHost('host-99.example.com')).toBe('host-99.example.com');
});

it.each([
  ['is trusted by who is given it', {}, undefined],
  ['is not trusted when it has run out', { notAfter: Date.now() - 1 }, 'CERT_HAS_EXPIRED'],
  ['is not trusted by the wrong name', { names: ['other.example'] }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
])('%s', async (_what, options, code) => {
  const certificate = createCertificate(options);
  const server = createServer(certificate, (socket: TLSSocket) => socket.on('error', () => {}).end());
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = connect({ port: address.port, host: '127.0.0.1', ca: certificate.cert });
  const outcome = await Promise.race([
    once(client, 'secureConnect').then(() => undefined),
    new Promise((resolve) => client.on('error', (error) => resolve(Reflect.get(error, 'code')))),
  ]);
  client.destroy();
  server.close();
  expect(outcome).toBe(code);
});

it('refuses what cannot be meant', () => {
  expect(() => createCertificate(JSON.parse('{"name":"x"}'))).toThrow('unknown option "name"');
  expect(() => createCertificate({ names: [''] })).toThrow('"names" must be');
});

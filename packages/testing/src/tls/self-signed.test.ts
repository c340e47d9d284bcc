import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { selfSigned } from './self-signed.ts';

describe('selfSigned', () => {
  it('makes a certificate for the names and the time', () => {
    const { cert } = selfSigned({
      names: ['mail.test', '192.0.2.1', '2001:db8::1'],
      notBefore: new Date('2026-01-02T03:04:05Z'),
      notAfter: new Date('2060-01-02T03:04:05Z'),
    });
    const certificate = new X509Certificate(cert);
    expect(certificate.subject).toBe('CN=mail.test');
    expect(certificate.checkHost('mail.test')).toBe('mail.test');
    expect(certificate.checkHost('other.test')).toBeUndefined();
    expect(certificate.checkIP('192.0.2.1')).toBe('192.0.2.1');
    expect(certificate.checkIP('2001:db8::1')).toBeDefined();
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(new Date(certificate.validFrom)).toEqual(new Date('2026-01-02T03:04:05Z'));
    expect(new Date(certificate.validTo)).toEqual(new Date('2060-01-02T03:04:05Z'));
  });

  it('makes what a server and a client that trusts it need', async () => {
    const { key, cert } = selfSigned();
    const server = createServer({ key, cert }, (socket) => socket.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const client = connect({ host: '127.0.0.1', port: address.port, ca: cert, rejectUnauthorized: true });
    const [greeting] = await once(client, 'data');
    expect(String(greeting)).toBe('hello');
    client.destroy();
    server.close();
  });

  it('makes another key each time', () => {
    expect(selfSigned().key).not.toBe(selfSigned().key);
  });
});

import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { headerOf } from '../test-header.ts';
import { DkimVerifier } from './dkim-verifier.ts';
import { keyRecord, rsa, signedMessage } from './test-signature.ts';

const name = 'rsa._domainkey.example.com';
const body = 'Hello\r\n';
const message = signedMessage([{}], { fields: ['From: a@example.com'], body });
const header = headerOf(message.slice(0, -body.length));

function zone(): ZoneResolver {
  return new ZoneResolver({ [name]: { TXT: keyRecord(rsa.publicKey) } });
}

describe('DkimVerifier', () => {
  it('asks for the key as soon as the header is there', async () => {
    const resolver = zone();
    const verifier = new DkimVerifier({ resolver });
    verifier.header(header);
    expect(resolver.queries.count(name, 'TXT')).toBe(1);
    verifier.write(Buffer.from(body));
    expect(await verifier.end()).toMatchObject([{ result: 'pass' }]);
  });

  it('has nothing to say of a message without a signature', async () => {
    const verifier = new DkimVerifier({ resolver: zone() });
    verifier.header(headerOf('From: a@example.com\r\n\r\n'));
    verifier.write(Buffer.from(body));
    expect(await verifier.end()).toEqual([]);
  });

  it('stops waiting for a key on an abort, by any door', async () => {
    const doors: ((verifier: DkimVerifier, all: AbortController, end: AbortController) => void)[] = [
      (verifier) => verifier.abort(),
      (_, all) => all.abort(),
      (_, __, end) => end.abort(),
    ];
    for (const abort of doors) {
      const resolver = zone();
      const letGo = resolver.hold(name);
      const [all, end] = [new AbortController(), new AbortController()];
      const verifier = new DkimVerifier({ resolver, signal: all.signal });
      verifier.header(header);
      verifier.write(Buffer.from(body));
      const results = verifier.end(end.signal);
      abort(verifier, all, end);
      expect(await results).toMatchObject([{ result: 'temperror', reason: 'incomplete' }]);
      letGo();
    }
  });

  it('checks nothing any more after an abort', async () => {
    const controller = new AbortController();
    const verifier = new DkimVerifier({ resolver: zone(), signal: controller.signal });
    verifier.header(header);
    verifier.write(Buffer.from(body));
    // The key is there.
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect(await verifier.end()).toMatchObject([{ result: 'temperror', reason: 'incomplete', keyBits: 2_048 }]);
  });

  it('gives up at once when the signal of end has fired', async () => {
    const resolver = zone();
    const letGo = resolver.hold(name);
    const verifier = new DkimVerifier({ resolver });
    verifier.header(header);
    expect(await verifier.end(AbortSignal.abort())).toMatchObject([{ result: 'fail', reason: 'body-altered' }]);
    letGo();
  });

  it('takes one header, and options that it knows', () => {
    const verifier = new DkimVerifier({ resolver: zone() });
    verifier.header(header);
    expect(() => verifier.header(header)).toThrow(TypeError);
    verifier.abort();
    expect(() => new DkimVerifier(JSON.parse('{}'))).toThrow('DkimVerifier: option "resolver"');
    expect(() => new DkimVerifier({ resolver: zone(), clockSkewMs: -1 })).toThrow(RangeError);
  });
});

import { describe, expect, it } from 'vitest';
import { parseDnsServer } from './dns-server-address.ts';
import { RandomNumbers } from './random-numbers.ts';
import { Upstream } from './upstream.ts';

const settings = { maxSockets: 1, receiveBufferBytes: 65_536, mixCase: false, random: new RandomNumbers() };

function upstream(text: string, validates = false): Upstream {
  const address = parseDnsServer(text);
  if (address === undefined) throw new Error(`${text} is no server`);
  return new Upstream(address, {}, validates, settings);
}

describe('Upstream', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.0.0.53', true],
    ['[::1]:5353', true],
    ['::ffff:127.0.0.1', true],
    ['tcp://127.0.0.1', true],
    ['192.0.2.1', false],
    ['10.0.0.1', false],
    ['tcp://[2001:db8::1]', false],
    ['tls://192.0.2.1', true],
    ['tls://dns.example', true],
    ['https://dns.example/dns-query', true],
  ])('%s: its AD bit counts: %j', (text, trusted) => {
    expect(upstream(text).trusted).toBe(trusted);
    expect(upstream(text, true).trusted).toBe(true);
  });

  it('has a stream beside UDP, and none beside what is a stream', () => {
    expect(upstream('127.0.0.1').stream).toBeDefined();
    for (const text of ['tcp://127.0.0.1', 'tls://127.0.0.1', 'https://127.0.0.1/']) {
      expect(upstream(text).stream).toBeUndefined();
    }
  });
});

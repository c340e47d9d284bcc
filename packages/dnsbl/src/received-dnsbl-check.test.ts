import { type Context, HeaderParser, MemoryStore, type Opinion, type Session, systemClock } from '@postern/core';
import { sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type ReceivedDnsblOptions, receivedDnsbl } from './received-dnsbl-check.ts';

const RELAY = '198.51.100.25';

async function judge(
  received: string,
  options: Partial<ReceivedDnsblOptions> = {},
  facts: Partial<Session> = {},
): Promise<Opinion | undefined | 'no interest'> {
  const resolver = new ZoneResolver({
    '7.8.9.9.bl.example': { A: '127.0.0.2' },
    '8.8.9.9.bl.example': 'servfail',
  });
  const context: Context = { resolver, store: new MemoryStore(), clock: systemClock };
  const check = receivedDnsbl({ zones: ['bl.example'], trusted: ['198.51.100.0/24'], ...options });
  const sink = check.start(sampleSession(RELAY, facts), context)?.message?.(sampleTransaction());
  if (sink === undefined) return 'no interest';
  const state = new HeaderParser().write(Buffer.from(`Received: ${received}\r\nSubject: x\r\n\r\n`));
  if (state.kind !== 'complete') throw new TypeError('the header cannot be read');
  sink.header(state.header);
  await sink.write(Buffer.from('x'));
  return await sink.end();
}

describe('receivedDnsbl', () => {
  it('judges what a relay of one’s own brings by who gave it to the relay', async () => {
    expect(await judge('from h (r [9.9.8.7]) by relay.example')).toMatchObject({
      finding: { kind: 'dnsbl/hop-listed', hop: '9.9.8.7', position: 0, status: 'listed' },
      score: 1,
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.7.1', text: 'Host 9.9.8.7 is listed by bl.example (listed)' },
    });
    const counted = await judge('from h (r [9.9.8.7]) by r', { rejectAtScore: Number.POSITIVE_INFINITY });
    expect(counted).toEqual({ finding: expect.objectContaining({ kind: 'dnsbl/hop-listed' }), score: 1 });
  });

  it('knows nothing against others', async () => {
    expect(await judge('from h (r [9.9.8.9]) by r')).toMatchObject({ finding: { kind: 'dnsbl/hop-clean' } });
    expect(await judge('from h (r [9.9.8.8]) by r')).toEqual({
      finding: expect.objectContaining({ kind: 'dnsbl/hop-unknown' }),
    });
    expect(await judge('from h (r [9.9.8.8]) by r', { onUnknown: 'defer' })).toMatchObject({ verdict: 'defer' });
    expect(await judge('by relay.example')).toEqual({
      finding: expect.objectContaining({ kind: 'dnsbl/hop-unknown', reason: 'no-received' }),
    });
  });

  it('believes no other client’s fields', async () => {
    const client = { address: '9.9.9.9', port: 25, ip: sampleSession('9.9.9.9').client.ip };
    expect(await judge('from h (r [9.9.8.7]) by r', {}, { client })).toBe('no interest');
    expect(await judge('from h (r [9.9.8.7]) by r', {}, { user: 'ann' })).toBe('no interest');
  });

  it('sees everyone, since a relay of one’s own is no stranger', () => {
    const check = receivedDnsbl({ zones: ['bl.example'], trusted: [RELAY] });
    expect(check).toMatchObject({ name: 'received-dnsbl', cost: 'network' });
    expect(check.appliesTo).toBeUndefined();
  });

  it.each<[object, string]>([
    [{ zones: ['bl.example'] }, 'receivedDnsbl: option "trusted"'],
    [{ zones: ['bl.example'], trusted: [] }, '"trusted"'],
    [{ zones: ['bl.example'], trusted: ['relay.example'] }, '"trusted"'],
    [{ zones: [], trusted: [RELAY] }, '"zones"'],
    [{ zones: [{ name: 'dbl.example', lists: 'domains' }], trusted: [RELAY] }, 'lists domains, not addresses'],
  ])('refuses wrong options: %#', (options, message) => {
    // @ts-expect-error as a program without types would
    expect(() => receivedDnsbl(options)).toThrow(message);
  });
});

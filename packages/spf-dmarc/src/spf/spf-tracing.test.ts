import { tracingChannel } from 'node:diagnostics_channel';
import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { checkSpf, checkSpfHelo } from './check-spf.ts';

describe('the tracing channel postern.spf-dmarc.spf', () => {
  it('shows who was checked, and the result', async () => {
    const resolver = new ZoneResolver({ 'example.com': { TXT: 'v=spf1 +all' } });
    const client = { ip: '192.0.2.1', helo: 'example.com', mailFrom: 'ann@example.com' };
    const traces: object[] = [];
    const note = (trace: object): number => traces.push({ ...trace });
    const channel = tracingChannel('postern.spf-dmarc.spf');
    const subscribers = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: note, error: note };
    channel.subscribe(subscribers);
    const both = await checkSpf(client, { resolver });
    const helo = await checkSpfHelo({ ip: client.ip, helo: client.helo }, { resolver });
    channel.unsubscribe(subscribers);
    await checkSpf(client, { resolver });
    expect(traces).toMatchObject([
      { ...client, result: both },
      { ip: client.ip, helo: client.helo, result: helo },
    ]);
  });
});

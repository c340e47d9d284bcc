import { tracingChannel } from 'node:diagnostics_channel';
import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { queryDnsbl } from './query-dnsbl.ts';
import { queryDomainList } from './query-domain-list.ts';

describe('the tracing channel postern.dnsbl.query', () => {
  it('shows what was asked about and the result, without query keys', async () => {
    const resolver = new ZoneResolver({ '9.9.9.9.secret.dq.example': { A: '127.0.0.2' } });
    const traces: object[] = [];
    const note = (trace: object): number => traces.push({ ...trace });
    const channel = tracingChannel('postern.dnsbl.query');
    const subscribers = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: note, error: note };
    channel.subscribe(subscribers);
    const first = await queryDnsbl('9.9.9.9', { zones: [{ name: 'dq.example', key: 'secret' }], resolver });
    const second = await queryDomainList('Shady.biz', { zones: ['dbl.example'], resolver });
    channel.unsubscribe(subscribers);
    await queryDnsbl('9.9.9.9', { zones: ['bl.example'], resolver });

    expect(traces).toMatchObject([
      { subject: '9.9.9.9', result: first },
      { subject: 'shady.biz', result: second },
    ]);
    expect(JSON.stringify(traces)).not.toContain('secret');
  });
});

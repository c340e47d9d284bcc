import { tracingChannel } from 'node:diagnostics_channel';
import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { evaluateDmarc } from './evaluate-dmarc.ts';
import { dkim } from './test-evaluation.ts';

describe('the tracing channel postern.spf-dmarc.dmarc', () => {
  it('shows what was evaluated, and the result or the mistake', async () => {
    const resolver = new ZoneResolver({ '_dmarc.example.com': { TXT: 'v=DMARC1; p=reject' } });
    const input = { headerFrom: 'ann@example.com', dkim: dkim('example.com') };
    const ends: object[] = [];
    const errors: object[] = [];
    const channel = tracingChannel('postern.spf-dmarc.dmarc');
    const subscribers = {
      start: () => {},
      end: () => {},
      asyncStart: () => {},
      asyncEnd: (trace: object) => ends.push({ ...trace }),
      error: (trace: object) => errors.push({ ...trace }),
    };
    channel.subscribe(subscribers);
    const result = await evaluateDmarc(input, { resolver });
    // @ts-expect-error: what JavaScript may pass
    await expect(evaluateDmarc(undefined, { resolver })).rejects.toThrow(TypeError);
    channel.unsubscribe(subscribers);
    await evaluateDmarc(input, { resolver });
    expect(ends[0]).toMatchObject({ ...input, result });
    expect(ends).toHaveLength(2);
    expect(errors).toMatchObject([{ error: { message: 'evaluateDmarc: the input must be an object' } }]);
  });
});

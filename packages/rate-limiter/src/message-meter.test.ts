import { HeaderParser } from '@postern/core';
import { expect, it } from 'vitest';
import { MessageMeter } from './message-meter.ts';

it('counts header, empty line and body, and asks once', async () => {
  const measured: number[] = [];
  const meter = new MessageMeter((bytes) => {
    measured.push(bytes);
    return undefined;
  });
  const parsed = new HeaderParser().write(Buffer.from('Subject: x\r\n\r\n'));
  if (parsed.kind !== 'complete') throw new Error('unreachable');
  meter.header(parsed.header);
  meter.write(Buffer.alloc(10));
  meter.write(Buffer.alloc(5));
  await meter.end();
  meter.abort();
  expect(measured).toEqual([14 + 15]);
});

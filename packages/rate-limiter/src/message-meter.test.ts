import { HeaderParser } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { MessageMeter } from './message-meter.ts';

/** What was measured, of a message whose header has 14 bytes with the empty line. */
function metered(): { meter: MessageMeter; measured: number[] } {
  const measured: number[] = [];
  const meter = new MessageMeter((bytes) => {
    measured.push(bytes);
    return undefined;
  });
  const parsed = new HeaderParser().write(Buffer.from('Subject: x\r\n\r\n'));
  if (parsed.kind !== 'complete') throw new Error('unreachable');
  meter.header(parsed.header);
  return { meter, measured };
}

describe('MessageMeter', () => {
  it('counts header, empty line and body', async () => {
    const { meter, measured } = metered();
    meter.write(Buffer.alloc(10));
    meter.write(Buffer.alloc(5));
    await meter.end();
    meter.abort();
    expect(measured).toEqual([14 + 15]);
  });

  it('counts what came of a message that is given up, once', () => {
    const { meter, measured } = metered();
    meter.write(Buffer.alloc(10));
    meter.abort();
    meter.abort();
    expect(measured).toEqual([24]);
  });

  it('does not mind when nobody can say whether that was too much', async () => {
    const meter = new MessageMeter(() => Promise.reject(new Error('down')));
    meter.abort();
    await new Promise((resolve) => void setImmediate(resolve));
    await expect(Promise.resolve(new MessageMeter(() => Promise.reject(new Error('down'))).end())).rejects.toThrow(
      'down',
    );
  });
});

import type { Backend, Path } from '@postern/core';
import { sampleTransaction } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type DeliverFunction, toBackend } from './deliver-function.ts';

const path: Path = { address: 'a@example.net', localPart: 'a', domain: 'example.net', parameters: {} };
const transaction = sampleTransaction({ recipients: [path] });

async function* message(): AsyncIterable<Uint8Array> {
  yield Buffer.from('Subject: x\r\n\r\n');
  yield Buffer.from('body\r\n');
}

async function deliver(deliverFunction: DeliverFunction) {
  const delivery = await toBackend(deliverFunction).begin(transaction);
  expect(await delivery.recipient(path)).toMatchObject({ code: 250, enhanced: '2.1.5' });
  return delivery.message(message());
}

describe('toBackend', () => {
  it('hands a backend through', () => {
    const backend: Backend = {
      begin() {
        throw new Error('not called');
      },
    };
    expect(toBackend(backend)).toBe(backend);
  });

  it('gives the function the transaction and the bytes, and 250 2.0.0 to the client', async () => {
    let text = '';
    const result = await deliver(async (given, bytes) => {
      expect(given).toBe(transaction);
      for await (const chunk of bytes) text += Buffer.from(chunk).toString();
    });
    expect(text).toBe('Subject: x\r\n\r\nbody\r\n');
    expect(result).toMatchObject({ outcome: 'delivered', reply: { code: 250, enhanced: '2.0.0' } });
  });

  it('takes a function that does not wait and reads nothing', async () => {
    expect((await deliver(() => {})).outcome).toBe('delivered');
  });

  it.each([
    [250, '2.6.0', 'delivered'],
    [452, '4.3.1', 'refused'],
    [554, '5.6.0', 'refused'],
  ] as const)('passes on its reply %d %s', async (code, enhanced, outcome) => {
    const reply = { code, enhanced, text: 'because' };
    expect(await deliver(() => reply)).toEqual({ outcome, reply });
  });

  it('makes a throw a 451 4.3.0 without its reason, and warns the operator of it', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const result = await deliver(async () => {
      throw new Error('disk /secret is full');
    });
    expect(result).toMatchObject({ outcome: 'refused', reply: { code: 451, enhanced: '4.3.0' } });
    expect(result.reply.text).not.toContain('secret');
    expect((await warned).message).toContain('disk /secret is full');
  });
});

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Delivery, DeliveryResult, Path, SmtpReply, Transaction } from '@postern/core';
import { type SinkFaultRule, SmtpSink, type SmtpSinkOptions, sampleTransaction } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SmtpBackend, type SmtpBackendOptions, smtpBackend } from './smtp-backend.ts';

function path(address: string, parameters: Path['parameters'] = {}): Path {
  const at = address.lastIndexOf('@');
  return { address, localPart: address.slice(0, at), domain: address.slice(at + 1), parameters };
}

function transaction(parameters: Path['parameters'] = {}): Transaction {
  return sampleTransaction({ reversePath: path('sender@example.org', parameters) });
}

const [a, b, c] = [path('a@example.net'), path('b@example.net'), path('c@example.net')];
const text = 'Subject: x\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n';

async function* message(...chunks: readonly (string | Buffer)[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks.length === 0 ? [text] : chunks) yield Buffer.from(chunk);
}

interface Mailed {
  readonly replies: readonly SmtpReply[];
  readonly result: DeliveryResult | undefined;
}

/** One transaction with these recipients, aborted if nobody was accepted. */
async function mail(
  backend: SmtpBackend,
  recipients: readonly Path[] = [a],
  bytes: AsyncIterable<Uint8Array> = message(),
  parameters: Path['parameters'] = {},
): Promise<Mailed> {
  const delivery = await backend.begin(transaction(parameters));
  const replies: SmtpReply[] = [];
  for (const recipient of recipients) replies.push(await delivery.recipient(recipient));
  if (replies.some(({ code }) => code < 300)) return { replies, result: await delivery.message(bytes) };
  delivery.abort();
  return { replies, result: undefined };
}

/** A sink and a backend towards it, both gone afterwards. */
async function withSink(
  { options, sink: sinkOptions }: { options?: Partial<SmtpBackendOptions>; sink?: SmtpSinkOptions },
  use: (backend: SmtpBackend, sink: SmtpSink) => Promise<void>,
): Promise<void> {
  await using sink = await SmtpSink.start(sinkOptions);
  const backend = smtpBackend({ host: '127.0.0.1', port: sink.port, tls: 'none', name: 'gw.example', ...options });
  try {
    await use(backend, sink);
  } finally {
    await backend.close();
  }
}

function withFaults(faults: readonly SinkFaultRule[], use: (backend: SmtpBackend, sink: SmtpSink) => Promise<void>) {
  const quick = { connectTimeoutMs: 300, commandTimeoutMs: 300, dataTimeoutMs: 300, finalTimeoutMs: 300 };
  return withSink({ options: quick, sink: { faults } }, use);
}

const withoutPipelining = { extensions: ['SIZE', '8BITMIME', 'SMTPUTF8'] };

describe('smtpBackend', () => {
  describe.each([
    ['with PIPELINING', {}],
    ['without PIPELINING', withoutPipelining],
  ])('to a server %s', (_, sinkOptions) => {
    it('delivers a message byte for byte', () =>
      withSink({ sink: sinkOptions }, async (backend, sink) => {
        const { replies, result } = await mail(backend, [a, b]);
        expect(replies).toMatchObject([
          { code: 250, enhanced: '2.1.5' },
          { code: 250, enhanced: '2.1.5' },
        ]);
        expect(result).toMatchObject({ outcome: 'delivered', reply: { code: 250, enhanced: '2.0.0' } });
        expect(sink.messages).toHaveLength(1);
        expect(sink.messages[0]?.message.toString()).toBe(text);
        expect(sink.messages[0]?.reversePath.address).toBe('sender@example.org');
        expect(sink.messages[0]?.recipients.map(({ address }) => address)).toEqual(['a@example.net', 'b@example.net']);
        expect(sink.messages[0]?.client.helo).toBe('gw.example');
      }));

    it('delivers to the other two of three recipients when one is refused', () =>
      withSink({ sink: sinkOptions }, async (backend, sink) => {
        sink.setFaults([{ stage: 'rcpt', match: b.address, fault: 'reply', reply: '550 5.1.1 No such user' }]);
        const { replies, result } = await mail(backend, [a, b, c]);
        expect(replies).toMatchObject([
          { code: 250 },
          { code: 550, enhanced: '5.1.1', text: 'No such user' },
          { code: 250 },
        ]);
        expect(result?.outcome).toBe('delivered');
        const accepted = sink.messages[0]?.recipients.filter((recipient) => recipient.accepted);
        expect(accepted?.map(({ address }) => address)).toEqual(['a@example.net', 'c@example.net']);
      }));

    it('passes on a refusal of MAIL, and asks again for the next recipient', () =>
      withSink({ sink: sinkOptions }, async (backend, sink) => {
        sink.setFaults([{ stage: 'mail', fault: 'reply', reply: '452 4.3.1 Full', times: 1 }]);
        const { replies, result } = await mail(backend, [a, b]);
        expect(replies).toMatchObject([{ code: 452, enhanced: '4.3.1' }, { code: 250 }]);
        expect(result?.outcome).toBe('delivered');
        expect(sink.messages[0]?.recipients.map(({ address }) => address)).toEqual(['b@example.net']);
        expect(sink.connections).toBe(1);
        // A server may keep something of the MAIL that it refused, the SIZE for instance.
        const [first, reset, second] = sink.commands.filter((line) => /^(MAIL|RSET)/.test(line));
        expect([first, reset, second]).toEqual([expect.stringContaining('MAIL'), 'RSET', first]);
      }));

    it('uses a connection again, after a message and after a transaction without', () =>
      withSink({ options: { maxConnections: 1 }, sink: sinkOptions }, async (backend, sink) => {
        await mail(backend);
        const delivery = await backend.begin(transaction());
        await delivery.recipient(a);
        delivery.abort();
        await mail(backend);
        sink.setFaults([{ stage: 'rcpt', fault: 'reply', reply: '550 no', times: 1 }]);
        await mail(backend);
        expect((await mail(backend)).result?.outcome).toBe('delivered');
        expect(sink.commands.filter((line) => line === 'RSET')).toHaveLength(2);
        expect(sink.connections).toBe(1);
        expect(sink.messages).toHaveLength(3);
      }));
  });

  it('sends MAIL and RCPT in one packet to a server with PIPELINING, and nothing before the first recipient', () =>
    withSink({}, async (backend, sink) => {
      await backend.begin(transaction());
      expect(sink.connections).toBe(0);
      await mail(backend);
      expect(sink.commands).toEqual([
        'EHLO gw.example',
        'MAIL FROM:<sender@example.org>',
        'RCPT TO:<a@example.net>',
        'DATA',
      ]);
    }));

  it.each([
    ['in many small chunks', Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? '.\r\n' : 'x'))],
    ['without a last CRLF', ['Subject: x\r\n\r\nend']],
    ['of nothing', ['']],
    ['larger than what a socket holds', [Buffer.alloc(3_000_000, '.line of text\r\n')]],
    [
      'in chunks larger than what a socket holds',
      Array.from({ length: 40 }, () => Buffer.alloc(200_000, 'y\r\n.z\r\n')),
    ],
  ])('delivers a message %s', (_, chunks) =>
    withSink({}, async (backend, sink) => {
      expect((await mail(backend, [a], message(...chunks))).result?.outcome).toBe('delivered');
      const whole = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
      const ended =
        whole.length === 0 || whole.toString('latin1').endsWith('\r\n')
          ? whole
          : Buffer.concat([whole, Buffer.from('\r\n')]);
      expect(sink.messages[0]?.message.equals(ended)).toBe(true);
    }),
  );

  it('tells the server what the client said of the message', () =>
    withSink({}, async (backend, sink) => {
      await mail(backend, [a], message(), { SIZE: '1000', BODY: '8BITMIME', SMTPUTF8: true });
      expect(sink.messages[0]?.reversePath.parameters).toEqual({ SIZE: '1000', BODY: '8BITMIME', SMTPUTF8: true });
    }));

  describe('faults', () => {
    it('answers 451 4.4.1 when nobody listens, and says why on the channel, without more than codes', async () => {
      await using sink = await SmtpSink.start();
      const { port } = sink;
      await sink.close();
      const heard: unknown[] = [];
      const listener = (failure: unknown): void => void heard.push(failure);
      subscribe('postern.gateway.backend', listener);
      await using backend = smtpBackend({ host: '127.0.0.1', port });
      const { replies } = await mail(backend, [a, b]);
      unsubscribe('postern.gateway.backend', listener);
      expect(replies).toMatchObject([
        { code: 451, enhanced: '4.4.1' },
        { code: 451, enhanced: '4.4.1' },
      ]);
      expect(heard[0]).toEqual({ host: '127.0.0.1', port, reason: 'unreachable', detail: 'ESOCKET ECONNREFUSED' });
    });

    it.each([
      ['close', 'connect'],
      ['reset', 'connect'],
      ['hang', 'connect'],
      ['close', 'helo'],
      ['reset', 'helo'],
      ['hang', 'helo'],
    ] as const)('answers 451 4.4.1 to a %s at %s', (fault, stage) =>
      withFaults([{ stage, fault }], async (backend) => {
        const { replies } = await mail(backend);
        expect(replies).toMatchObject([{ code: 451, enhanced: '4.4.1' }]);
      }),
    );

    it.each(['554 5.7.1 Not you', '421 4.3.2 Closing'])('answers 451 4.4.1 to the greeting %s', (reply) =>
      withFaults([{ stage: 'connect', fault: 'reply', reply }], async (backend) => {
        expect((await mail(backend)).replies).toMatchObject([{ code: 451, enhanced: '4.4.1' }]);
      }),
    );

    it('answers 451 4.4.1 to a server that greets byte by byte for ever', async () => {
      const timers: NodeJS.Timeout[] = [];
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.write('220 ok\r\n');
        timers.push(setInterval(() => socket.write('250-more\r\n'), 20));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const backend = smtpBackend({ host: '127.0.0.1', port, connectTimeoutMs: 150 });
      expect((await mail(backend)).replies).toMatchObject([{ code: 451, enhanced: '4.4.1' }]);
      await backend.close();
      for (const timer of timers) clearInterval(timer);
      server.close();
    });

    it.each([
      ['close', 'mail'],
      ['reset', 'mail'],
      ['hang', 'mail'],
      ['close', 'rcpt'],
      ['reset', 'rcpt'],
      ['hang', 'rcpt'],
    ] as const)('answers 451 4.4.2 to a %s at %s', (fault, stage) =>
      withFaults([{ stage, fault }], async (backend, sink) => {
        expect((await mail(backend)).replies).toMatchObject([{ code: 451, enhanced: '4.4.2' }]);
        expect(sink.messages).toEqual([]);
        sink.setFaults([]);
        expect((await mail(backend)).result?.outcome).toBe('delivered');
      }),
    );

    it.each([
      ['close', 'data'],
      ['reset', 'data'],
      ['hang', 'data'],
      ['close', 'body'],
      ['reset', 'body'],
      ['hang', 'body'],
    ] as const)('is certain that nothing was delivered after a %s at %s', (fault, stage) =>
      withFaults([{ stage, fault }], async (backend, sink) => {
        // Much more than sockets hold: the final dot cannot be on its way when the fault strikes.
        const chunks = Array.from({ length: 60 }, () => Buffer.alloc(500_000, 'line\r\n'));
        const { result } = await mail(backend, [a], message(...chunks));
        expect(result).toMatchObject({ outcome: 'refused', reply: { code: 451, enhanced: '4.4.2' } });
        expect(sink.transactions.some(({ finalDot }) => finalDot)).toBe(false);
        sink.setFaults([]);
        expect((await mail(backend)).result?.outcome).toBe('delivered');
      }),
    );

    it.each(['close', 'reset', 'hang'] as const)('does not know after a %s behind the final dot', (fault) =>
      withFaults([{ stage: 'dot', fault }], async (backend, sink) => {
        const { result } = await mail(backend);
        expect(result).toMatchObject({ outcome: 'unknown', reply: { code: 451, enhanced: '4.4.2' } });
        expect(sink.transactions).toHaveLength(1);
        expect(sink.transactions[0]?.finalDot).toBe(true);
        sink.setFaults([]);
        expect((await mail(backend)).result?.outcome).toBe('delivered');
      }),
    );

    it.each([
      ['rcpt', '450 4.2.1 Busy', { code: 450, enhanced: '4.2.1' }],
      ['rcpt', '550 No', { code: 550, enhanced: '5.0.0' }],
      ['rcpt', '421 4.3.2 Closing', { code: 451, enhanced: '4.3.2' }],
      ['rcpt', '530 5.7.0 Authentication required', { code: 451, enhanced: '4.3.5' }],
      ['mail', '451 Later', { code: 451, enhanced: '4.0.0' }],
      ['mail', '550 5.7.1 Not from there', { code: 550, enhanced: '5.7.1' }],
      ['mail', '354 What', { code: 451, enhanced: '4.5.0' }],
    ] as const)('passes on at %s the reply %s', (stage, reply, expected) =>
      withFaults([{ stage, fault: 'reply', reply }], async (backend, sink) => {
        expect((await mail(backend)).replies).toMatchObject([expected]);
        sink.setFaults([]);
        expect((await mail(backend)).result?.outcome).toBe('delivered');
      }),
    );

    it.each([
      ['data', '452 4.3.1 Full', { outcome: 'refused', reply: { code: 452, enhanced: '4.3.1' } }],
      ['data', '554 5.7.1 No', { outcome: 'refused', reply: { code: 554, enhanced: '5.7.1' } }],
      ['data', '250 Ok', { outcome: 'refused', reply: { code: 451, enhanced: '4.5.0' } }],
      ['data', '421 4.3.2 Closing', { outcome: 'refused', reply: { code: 451, enhanced: '4.3.2' } }],
      ['dot', '451 4.3.0 Later', { outcome: 'refused', reply: { code: 451, enhanced: '4.3.0' } }],
      ['dot', '550 5.7.1 Spam', { outcome: 'refused', reply: { code: 550, enhanced: '5.7.1', text: 'Spam' } }],
      ['dot', '421 4.3.2 Closing', { outcome: 'refused', reply: { code: 451, enhanced: '4.3.2' } }],
      ['dot', '354 What', { outcome: 'unknown', reply: { code: 451, enhanced: '4.5.0' } }],
      ['dot', '250 Ok: queued as 1\nthanks', { outcome: 'delivered', reply: { code: 250, enhanced: '2.0.0' } }],
    ] as const)('passes on at %s the reply %s', (stage, reply, expected) =>
      withFaults([{ stage, fault: 'reply', reply }], async (backend, sink) => {
        expect((await mail(backend)).result).toMatchObject(expected);
        sink.setFaults([]);
        expect((await mail(backend)).result?.outcome).toBe('delivered');
      }),
    );

    it.each([
      ['rcpt', 'hello\r\n', { code: 451, enhanced: '4.4.2' }],
      ['mail', `250 ${'x'.repeat(10_000)}\r\n`, { code: 451, enhanced: '4.4.2' }],
    ] as const)('does not listen to garbage at %s', (stage, bytes, expected) =>
      withFaults([{ stage, fault: 'raw', bytes }], async (backend) => {
        expect((await mail(backend)).replies).toMatchObject([expected]);
      }),
    );

    it('believes no reply that came along with the 354', () =>
      withFaults([{ stage: 'data', fault: 'raw', bytes: '354 go\r\n250 2.0.0 Ok\r\n' }], async (backend, sink) => {
        expect((await mail(backend)).result).toMatchObject({
          outcome: 'refused',
          reply: { code: 451, enhanced: '4.4.2' },
        });
        expect(sink.transactions.some(({ finalDot }) => finalDot)).toBe(false);
      }));

    it.each([
      ['552 5.3.4 Too big', { code: 552, enhanced: '5.3.4' }],
      ['421 4.3.2 Closing', { code: 451, enhanced: '4.3.2' }],
      ['250 2.0.0 Ok', { code: 451, enhanced: '4.5.0' }],
    ])('sends no final dot when the server said %s in the middle of the message', async (reply, expected) => {
      let seen = '';
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.write('220 ok\r\n');
        let inData = false;
        socket.setEncoding('latin1').on('data', (data: string) => {
          seen += data;
          if (!inData) socket.write(data === 'DATA\r\n' ? '354 go\r\n' : '250 ok\r\n');
          else if (data.includes('half')) socket.write(`${reply}\r\n`);
          inData ||= data === 'DATA\r\n';
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const backend = smtpBackend({
        host: '127.0.0.1',
        port: typeof address === 'object' && address ? address.port : 0,
      });
      async function* slowly(): AsyncIterable<Uint8Array> {
        yield Buffer.from('Subject: x\r\n\r\nhalf\r\n');
        for (let i = 0; i < 1_000; i++) {
          await new Promise((resolve) => setImmediate(resolve));
          yield Buffer.from('.\r\n');
        }
      }
      expect((await mail(backend, [a], slowly())).result).toMatchObject({ outcome: 'refused', reply: expected });
      await backend.close();
      server.close();
      await once(server, 'close');
      expect(seen).toContain('half');
      expect(seen).not.toMatch(/\n\.\r\n/);
    });

    it.each([
      ['at once', []],
      ['after a part', ['Subject: x\r\n\r\n']],
      ['after much', Array.from({ length: 50 }, () => 'x'.repeat(100_000))],
      ['behind what looks like an end', ['Subject: x\r\n\r\nend\r\n']],
    ])('sends no final dot when the source of the message fails %s', (_, chunks) =>
      withFaults([], async (backend, sink) => {
        async function* failing(): AsyncIterable<Uint8Array> {
          for (const chunk of chunks) yield Buffer.from(chunk);
          throw new Error('disk');
        }
        const { result } = await mail(backend, [a], failing());
        expect(result).toMatchObject({ outcome: 'refused', reply: { code: 451, enhanced: '4.3.0' } });
        await sink.idle();
        expect(sink.transactions[0]).toMatchObject({ dataStarted: true, finalDot: false });
      }),
    );

    it('replaces a pooled connection that died while it was unused, before anything is lost', () =>
      withFaults([], async (backend, sink) => {
        await mail(backend);
        sink.setFaults([{ stage: 'mail', fault: 'close', times: 1 }]);
        const { replies, result } = await mail(backend, [a, b]);
        expect(replies.map(({ code }) => code)).toEqual([250, 250]);
        expect(result?.outcome).toBe('delivered');
        sink.setFaults([{ stage: 'mail', fault: 'reply', reply: '421 4.4.2 Idle too long', times: 1 }]);
        expect((await mail(backend)).result?.outcome).toBe('delivered');
        expect(sink.connections).toBe(3);
        expect(sink.messages).toHaveLength(3);
      }));

    it('sends the envelope again when the server hung up while the client sent its message', () =>
      withFaults([{ stage: 'data', fault: 'close', times: 1 }], async (backend, sink) => {
        sink.setFaults([
          { stage: 'data', fault: 'close', times: 1 },
          { stage: 'rcpt', match: b.address, fault: 'reply', reply: '550 5.1.1 No' },
        ]);
        const { replies, result } = await mail(backend, [a, b, c]);
        expect(replies.map(({ code }) => code)).toEqual([250, 550, 250]);
        expect(result?.outcome).toBe('delivered');
        expect(sink.messages).toHaveLength(1);
        expect(sink.messages[0]?.recipients.map(({ address }) => address)).toEqual(['a@example.net', 'c@example.net']);
      }));

    it('defers the message for all when a recipient is not accepted again', () =>
      withFaults([], async (backend, sink) => {
        const delivery: Delivery = await backend.begin(transaction());
        expect((await delivery.recipient(a)).code).toBe(250);
        expect((await delivery.recipient(b)).code).toBe(250);
        sink.setFaults([
          { stage: 'data', fault: 'close', times: 1 },
          { stage: 'rcpt', match: a.address, fault: 'reply', reply: '550 5.1.1 Gone' },
        ]);
        expect(await delivery.message(message())).toMatchObject({
          outcome: 'refused',
          reply: { code: 451, enhanced: '4.4.2' },
        });
        expect(sink.messages).toEqual([]);
      }));

    it('sends recipients again when the server hung up between two of them', () =>
      withFaults([{ stage: 'rcpt', match: b.address, fault: 'close', times: 1 }], async (backend, sink) => {
        const { replies, result } = await mail(backend, [a, b]);
        expect(replies.map(({ code }) => code)).toEqual([250, 250]);
        expect(result?.outcome).toBe('delivered');
        expect(sink.messages[0]?.recipients).toHaveLength(2);
      }));

    it('frees its connection when it is aborted while the server is slow', () =>
      withFaults([{ stage: 'rcpt', fault: 'delay', delayMs: 50 }], async (backend, sink) => {
        const delivery = await backend.begin(transaction());
        const asked = delivery.recipient(a);
        while (!sink.commands.some((line) => line.startsWith('RCPT')))
          await new Promise((resolve) => setTimeout(resolve, 1));
        delivery.abort();
        await asked;
        expect((await delivery.recipient(b)).code).toBe(451);
        await backend.close();
        expect(sink.commands).toContain('RSET');
        expect(sink.messages).toEqual([]);
      }));

    it('keeps to maxConnections, and serves all who wait', () =>
      withSink({ options: { maxConnections: 2 } }, async (backend, sink) => {
        const results = await Promise.all(Array.from({ length: 20 }, () => mail(backend)));
        expect(results.every(({ result }) => result?.outcome === 'delivered')).toBe(true);
        expect(sink.connections).toBe(2);
        expect(sink.messages).toHaveLength(20);
      }));

    it('answers 451 4.4.5 to who has waited too long for a connection', () =>
      withSink({ options: { maxConnections: 1, connectTimeoutMs: 200 } }, async (backend) => {
        const first = await backend.begin(transaction());
        expect((await first.recipient(a)).code).toBe(250);
        expect((await mail(backend)).replies).toMatchObject([{ code: 451, enhanced: '4.4.5' }]);
        first.abort();
        expect((await mail(backend)).result?.outcome).toBe('delivered');
      }));
  });

  it('says delivered of what the server has once, refused of what it has not, and unknown of nothing else', async () => {
    const stage = fc.constantFrom('connect', 'helo', 'mail', 'rcpt', 'data', 'body', 'dot', 'rset');
    const times = fc.integer({ min: 1, max: 4 });
    const rule: fc.Arbitrary<SinkFaultRule> = fc.oneof(
      fc.record({ stage, fault: fc.constantFrom('close', 'reset'), times }),
      fc.record({
        stage: stage.filter((each) => each !== 'body'),
        fault: fc.constant('reply' as const),
        reply: fc.constantFrom('450 later', '550 no', '421 bye', '250 yes', '354 go'),
        times,
      }),
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rule, { maxLength: 6 }),
        fc.constantFrom({}, withoutPipelining),
        (faults, sinkOptions) =>
          withSink(
            { options: { maxConnections: 3, connectTimeoutMs: 2_000, commandTimeoutMs: 2_000 }, sink: sinkOptions },
            async (backend, sink) => {
              sink.setFaults(faults);
              const sent = await Promise.all(
                Array.from({ length: 6 }, async () => {
                  const id = `Message-ID: <${count++}@example.org>\r\n\r\n.${'x'.repeat(count % 200)}\r\n`;
                  return { id, ...(await mail(backend, [a, b], message(id))) };
                }),
              );
              for (const { id, replies, result } of sent) {
                const copies = sink.messages.filter((each) => each.message.toString() === id);
                if (result?.outcome === 'delivered') {
                  expect(copies).toHaveLength(1);
                  const to = copies[0]?.recipients.filter(({ accepted }) => accepted).map(({ address }) => address);
                  expect(to).toEqual(
                    [a, b].filter((_, i) => (replies[i]?.code ?? 999) < 300).map(({ address }) => address),
                  );
                  expect(result.reply.code).toBeLessThan(300);
                } else {
                  expect(copies.length).toBeLessThanOrEqual(result?.outcome === 'unknown' ? 1 : 0);
                  expect(result?.reply.code ?? 451).toBeGreaterThanOrEqual(400);
                }
              }
            },
          ),
      ),
      { numRuns: 150 },
    );
  });

  describe('8-bit messages', () => {
    const international = Buffer.from('Subject: größe\r\n\r\nbody\r\n');
    const eightBit = Buffer.from('Subject: x\r\n\r\ngröße\r\n');

    it('refuses with 554 5.6.3 what a server without 8BITMIME cannot take, and not more', () =>
      withSink({ sink: { extensions: [] } }, async (backend, sink) => {
        expect((await mail(backend, [a], message(text), { BODY: '8BITMIME' })).result?.outcome).toBe('delivered');
        const { result } = await mail(backend, [a], message(text, eightBit), { BODY: '8BITMIME' });
        expect(result).toMatchObject({ outcome: 'refused', reply: { code: 554, enhanced: '5.6.3' } });
        await sink.idle();
        expect(sink.messages).toHaveLength(1);
      }));

    it('refuses with 550 5.6.9 the header that a server without SMTPUTF8 cannot take, and with 553 5.6.7 the address', () =>
      withSink({ sink: { extensions: ['8BITMIME'] } }, async (backend) => {
        const parameters = { SMTPUTF8: true, BODY: '8BITMIME' } as const;
        const refused = await mail(backend, [a, path('jörg@example.net')], message(international), parameters);
        expect(refused.replies).toMatchObject([{ code: 250 }, { code: 553, enhanced: '5.6.7' }]);
        expect(refused.result).toMatchObject({ outcome: 'refused', reply: { code: 550, enhanced: '5.6.9' } });
        expect((await mail(backend, [a], message(eightBit), parameters)).result?.outcome).toBe('delivered');
        expect((await mail(backend, [a], message(international))).result?.outcome).toBe('delivered');
      }));

    it('asks nobody about an address that could break the command', () =>
      withSink({}, async (backend, sink) => {
        const { replies } = await mail(backend, [path('a@x>\r\nRSET')]);
        expect(replies).toMatchObject([{ code: 553, enhanced: '5.1.3' }]);
        expect(sink.commands).not.toContain('RSET');
      }));
  });

  it('refuses options that it does not understand, and a password in the clear', () => {
    // @ts-expect-error: host is required
    expect(() => smtpBackend({})).toThrow(/option "host" must be/);
    expect(() => smtpBackend({ host: 'a\r\nb' })).toThrow(TypeError);
    expect(() => smtpBackend({ host: 'h', port: 0 })).toThrow(RangeError);
    // @ts-expect-error: misspelt
    expect(() => smtpBackend({ host: 'h', maxConnection: 1 })).toThrow(/unknown option/);
    const auth = { user: 'u', pass: 'hunter2' };
    expect(() => smtpBackend({ host: 'h', tls: 'none', auth })).toThrow(RangeError);
    expect(() => smtpBackend({ host: 'h', tls: 'opportunistic', auth })).toThrow(/"required" or "implicit"/);
    expect(() => smtpBackend({ host: 'h', auth })).not.toThrow();
    expect(() => smtpBackend({ host: 'localhost', tls: 'none', auth })).not.toThrow();
    // @ts-expect-error: a number is no password, and must not be shown
    expect(() => smtpBackend({ host: 'h', auth: { user: 'u', pass: 12345 } })).toThrow(/^((?!12345).)*$/);
  });
});

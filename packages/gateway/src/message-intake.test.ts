import type { HeaderFields, MessageSink } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IntakeResult, type MessageBounds, MessageIntake } from './message-intake.ts';
import { SpoolSpace, type SpoolSpaceOptions } from './message-spool.ts';

/** Remembers what it was told; copies what it was given, which is only its own during the call. */
class RecordingSink implements MessageSink {
  readonly headers: HeaderFields[] = [];
  readonly chunks: Buffer[] = [];
  aborts = 0;

  header(fields: HeaderFields): void {
    if (this.chunks.length > 0) throw new Error('body before header');
    this.headers.push(fields);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.chunks.push(Buffer.from(chunk));
  }

  end(): undefined {
    throw new Error('the intake does not end sinks');
  }

  abort(): void {
    this.aborts++;
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
}

class SlowSink extends RecordingSink {
  waiting = 0;

  override async write(chunk: Uint8Array): Promise<void> {
    super.write(chunk);
    this.waiting++;
    await Promise.resolve();
    this.waiting--;
  }
}

async function bodyOf(result: IntakeResult): Promise<string> {
  if (result.kind !== 'complete') throw new Error(`refused: ${result.detail}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of result.spool.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

async function take(chunks: readonly string[], bounds?: MessageBounds, spool?: SpoolSpaceOptions) {
  const space = new SpoolSpace(spool);
  const sink = new RecordingSink();
  const intake = new MessageIntake(space.open(), [sink], bounds);
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk, 'latin1');
    await intake.write(bytes);
    bytes.fill(0x58);
  }
  const result = await intake.finish();
  return { result, sink, space };
}

const message = 'Received: by mx; x\r\nSubject: a\r\n b\r\n\r\nline one\r\n.\r\nline three\r\n';

describe('MessageIntake', () => {
  it('gives header and body to the spool and to every sink, however the message is cut', async () => {
    const cuts = fc.array(fc.nat(message.length), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.constantFrom(0, 10, 1000), async (at, memoryBytes) => {
        const borders = [0, ...at.sort((a, b) => a - b), message.length];
        const chunks = borders.slice(1).map((border, i) => message.slice(borders[i], border));
        const { result, sink, space } = await take(chunks, {}, { memoryBytes });
        expect(await bodyOf(result)).toBe('line one\r\n.\r\nline three\r\n');
        expect(sink.body).toBe('line one\r\n.\r\nline three\r\n');
        expect(sink.headers).toHaveLength(1);
        expect(sink.headers[0]?.first('subject')?.value).toBe('a b');
        expect(result.byteLength).toBe(message.length);
        expect(sink.aborts).toBe(0);
        if (result.kind === 'complete') await result.spool.discard();
        expect(space.usedBytes).toBe(0);
      }),
    );
  });

  it.each([
    ['', 0, ''],
    ['Subject: x\r\n', 1, ''],
    ['Subject: x', 1, ''],
    ['Subject: x\r\n\r\n', 1, ''],
    ['no header at all\r\n', 0, 'no header at all\r\n'],
    ['\r\nbody', 0, 'body'],
  ])('takes %j, which has %d fields and the body %j', async (text, fields, body) => {
    const { result, sink } = await take([text]);
    expect(await bodyOf(result)).toBe(body);
    expect(sink.headers[0]?.fields).toHaveLength(fields);
  });

  it.each([
    ['Subject: x\r\n\r\nbare\nline\r\n', 'LF alone at byte 18'],
    ['Subject: x\rFrom: y\r\n\r\n', 'CR alone at byte 10'],
    ['Subject: x\r\n\r\nbody\r', 'CR alone at byte 18'],
  ])('refuses %j with 550 5.6.0 at its end, and drops the rest', async (text, detail) => {
    const { result, sink, space } = await take([...text, 'more', 'and more\r\n']);
    expect(result).toMatchObject({ kind: 'refused', reason: 'bare-newline', reply: { code: 550, enhanced: '5.6.0' } });
    expect(result.kind === 'refused' && result.detail).toContain(detail);
    expect(result.byteLength).toBe(text.length + 14);
    expect(sink.aborts).toBe(1);
    expect(sink.body).not.toContain('more');
    expect(space.usedBytes).toBe(0);
  });

  it('normalizes when asked to, for the sinks as for the spool', async () => {
    const { result, sink } = await take(['A: 1\nB: 2\r', '\n\nbody\n.\n\r'], { newlines: 'normalize' });
    expect(await bodyOf(result)).toBe('body\r\n.\r\n\r\n');
    expect(sink.body).toBe('body\r\n.\r\n\r\n');
    expect(result).toMatchObject({ rewrittenNewlines: 5 });
  });

  it('refuses a message that goes in circles with 554 5.4.6', async () => {
    const circles = (times: number) => take([`${'Received: x\r\n'.repeat(times)}\r\nbody\r\n`]);
    expect((await circles(100)).result.kind).toBe('complete');
    const { result, sink, space } = await circles(101);
    expect(result).toMatchObject({ kind: 'refused', reason: 'loop', reply: { code: 554, enhanced: '5.4.6' } });
    expect(sink.headers).toEqual([]);
    expect(sink.aborts).toBe(1);
    expect(space.usedBytes).toBe(0);
  });

  it('refuses a header beyond its bounds', async () => {
    const large = await take([`Subject: ${'x'.repeat(100)}\r\n\r\n`], { header: { maxHeaderBytes: 50 } });
    expect(large.result).toMatchObject({ reason: 'header', reply: { code: 552, enhanced: '5.3.4' } });
    const many = await take(['A: 1\r\nB: 2\r\n\r\n'], { header: { maxFields: 1 } });
    expect(many.result).toMatchObject({ reason: 'header', reply: { code: 554, enhanced: '5.6.0' } });
  });

  it('passes on the reason for which the spool took no more; header, empty line and body count', async () => {
    const text = 'A: 1\r\n\r\nbody';
    expect((await take([text], {}, { maxMessageBytes: 12 })).result.kind).toBe('complete');
    const { result, sink, space } = await take([text], {}, { maxMessageBytes: 11 });
    expect(result).toMatchObject({ kind: 'refused', reason: 'too-large', reply: { code: 552, enhanced: '5.3.4' } });
    expect(sink.aborts).toBe(1);
    expect(space.usedBytes).toBe(0);
  });

  it('refuses at the end what the disk failed to take in the last write', async () => {
    const body = 'x'.repeat(100_000);
    const { result } = await take([`A: 1\r\n\r\n${body}`], {}, { memoryBytes: 0, directory: '/nonexistent' });
    expect(result).toMatchObject({ kind: 'refused', reason: 'disk', reply: { code: 451, enhanced: '4.3.0' } });
  });

  it('waits for every sink that asks for it', async () => {
    const sinks = [new SlowSink(), new RecordingSink(), new SlowSink()];
    const intake = new MessageIntake(new SpoolSpace().open(), sinks);
    const waiting = intake.write(Buffer.from('A: 1\r\n\r\nbody'));
    expect(waiting).toBeInstanceOf(Promise);
    await waiting;
    expect(sinks.map((sink) => (sink instanceof SlowSink ? sink.waiting : 0))).toEqual([0, 0, 0]);
    expect((await intake.finish()).kind).toBe('complete');
  });

  it('aborts the sinks once and frees the space when the client is gone', async () => {
    const space = new SpoolSpace();
    const sink = new RecordingSink();
    const intake = new MessageIntake(space.open(), [sink]);
    await intake.write(Buffer.from('A: 1\r\n\r\nbody'));
    expect(space.usedBytes).toBe(12);
    intake.abort();
    intake.abort();
    await intake.write(Buffer.from('late'));
    expect(sink.aborts).toBe(1);
    expect(sink.body).toBe('body');
    expect(await intake.finish()).toMatchObject({ kind: 'refused', reason: 'aborted', reply: { code: 451 } });
    expect(space.usedBytes).toBe(0);
  });

  it('leaves a complete message alone when abort comes late', async () => {
    const sink = new RecordingSink();
    const intake = new MessageIntake(new SpoolSpace().open(), [sink]);
    await intake.write(Buffer.from('A: 1\r\n\r\nbody'));
    const result = await intake.finish();
    intake.abort();
    expect(sink.aborts).toBe(0);
    expect(await bodyOf(result)).toBe('body');
  });
});

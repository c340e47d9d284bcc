import { type HeaderFields, HeaderParser } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageIntake } from './message-intake.ts';
import { SpoolSpace } from './message-spool.ts';
import { type OutgoingParts, outgoingMessage } from './outgoing-message.ts';

const received = 'Received: from a ([192.0.2.1])\r\n by mx.example.net with ESMTP id 1; now\r\n';
const ours = 'Authentication-Results: mx.example.net; none\r\n';

function parse(text: string): HeaderFields {
  const parser = new HeaderParser();
  let state = parser.write(Buffer.from(text, 'latin1'));
  if (state.kind === 'incomplete') state = parser.end();
  if (state.kind !== 'complete') throw new Error(state.kind);
  return state.header;
}

function compose(header: string, parts: Partial<OutgoingParts> = {}, body = 'body\r\n'): AsyncIterable<Uint8Array> {
  const spool = new SpoolSpace().open();
  void spool.write(Buffer.from(body, 'latin1'));
  return outgoingMessage({
    header: parse(header),
    spool,
    received,
    authservId: 'mx.example.net',
    authResults: [],
    edits: [],
    quarantine: [],
    ...parts,
  });
}

async function read(message: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

describe('outgoingMessage', () => {
  it('puts our fields on top of the header as it came', async () => {
    const message = compose('Subject: x\r\n y\r\nfrom:  a\xe9 \r\n\r\n', {
      authResults: [{ method: 'spf', result: 'pass' }],
      edits: [
        { action: 'add', name: 'X-First', value: '1' },
        { action: 'add', name: 'X-Second', value: '2\r\nBcc: injected' },
      ],
      quarantine: ['Listed by a.example.', 'Größe.'],
    });
    expect(await read(message)).toBe(
      'Authentication-Results: mx.example.net;\r\n\tspf=pass\r\n' +
        received +
        'X-First: 1\r\nX-Second: 2 Bcc: injected\r\n' +
        'X-Postern-Quarantine: Listed by a.example. Gr??e.\r\n' +
        'Subject: x\r\n y\r\nfrom:  a\xe9 \r\n\r\nbody\r\n',
    );
  });

  it('gives a small message as one chunk, and again when asked again', async () => {
    const message = compose('Subject: x\r\n\r\n');
    const chunks: Uint8Array[] = [];
    for await (const chunk of message) chunks.push(chunk);
    expect(chunks).toHaveLength(1);
    expect(await read(message)).toBe(await read(message));
  });

  it('removes forged results under our name and forged marks, and leaves those of others', async () => {
    const header =
      'Authentication-Results: mx.example.net; spf=pass\r\n' +
      'authentication-results: (x) "MX.example.net" 1; dkim=pass\r\n' +
      'Authentication-Results: other.example; spf=pass\r\n' +
      'x-postern-quarantine: forged\r\n' +
      'Subject: x\r\n\r\n';
    expect(await read(compose(header))).toBe(
      `${ours}${received}Authentication-Results: other.example; spf=pass\r\nSubject: x\r\n\r\nbody\r\n`,
    );
  });

  it('removes by name, and by name and place among those of the name as they came', async () => {
    const header = 'A: 0\r\nB: 0\r\nA: 1\r\na: 2\r\nC: 0\r\n\r\n';
    const rest = async (...edits: OutgoingParts['edits']) =>
      (await read(compose(header, { edits }))).slice((ours + received).length).replace('\r\n\r\nbody\r\n', '');
    expect(await rest({ action: 'remove', name: 'a' })).toBe('B: 0\r\nC: 0');
    expect(await rest({ action: 'remove', name: 'A', index: 1 })).toBe('A: 0\r\nB: 0\r\na: 2\r\nC: 0');
    expect(
      await rest(
        { action: 'remove', name: 'A', index: 0 },
        { action: 'remove', name: 'A', index: 2 },
        { action: 'remove', name: 'A', index: 3 },
        { action: 'remove', name: 'Absent' },
      ),
    ).toBe('B: 0\r\nA: 1\r\nC: 0');
  });

  it.each([
    ['', ''],
    ['Subject: x', 'Subject: x\r\n'],
    ['Subject: x\r\n', 'Subject: x\r\n'],
  ])('writes the empty line that a message with the header %j lacks', async (header, kept) => {
    expect(await read(compose(header, {}, ''))).toBe(`${ours}${received}${kept}\r\n`);
  });

  it('refuses a field name that is none', () => {
    expect(() => compose('\r\n', { edits: [{ action: 'add', name: 'X: y\r\nZ', value: '' }] })).toThrow(TypeError);
  });

  it('gives the bytes that the client sent behind ours, for any chunks through intake and spool', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', '.', ':', ' ', '\0', '\xff'), maxLength: 30 });
    const body = fc.array(line, { maxLength: 60 }).map((lines) => lines.map((each) => `${each}\r\n`).join(''));
    const cuts = fc.array(fc.nat(3_000), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(body, cuts, fc.constantFrom(0, 64, 2 ** 20), fc.nat(3), async (text, at, memoryBytes, times) => {
        const sent = `Subject: x\r\nTo: y\r\n\r\n${text.repeat(10 ** times)}`;
        const space = new SpoolSpace({ memoryBytes });
        const intake = new MessageIntake(space.open(), []);
        const borders = [0, ...at.filter((each) => each < sent.length).sort((a, b) => a - b), sent.length];
        for (const [i, border] of borders.slice(1).entries()) {
          await intake.write(Buffer.from(sent.slice(borders[i], border), 'latin1'));
        }
        const result = await intake.finish();
        if (result.kind !== 'complete') throw new Error(result.detail);
        const { header, spool } = result;
        const parts = {
          header,
          spool,
          received,
          authservId: 'mx.example.net',
          authResults: [],
          edits: [],
          quarantine: [],
        };
        expect((await read(outgoingMessage(parts))) === ours + received + sent).toBe(true);
        await spool.discard();
        expect(space.usedBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

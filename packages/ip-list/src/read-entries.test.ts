import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectDomains, collectIp } from './collected-entries.ts';
import { IpList } from './ip-list.ts';
import type { DomainListFormat, IpListFormat } from './list-format.ts';
import { readDomainEntries, readIpEntries } from './read-entries.ts';

const text = '192.0.2.0/24 # spam\n198.51.100.1\n';
const expected = { entries: ['192.0.2.0/24 block spam', '198.51.100.1/32 block'], problems: [] };

async function* slowly(): AsyncGenerator<string> {
  for (const each of text) yield each;
}

describe('readIpEntries', () => {
  it('reads strings, bytes, iterables and streams', async () => {
    expect(await collectIp(text, {})).toEqual(expected);
    expect(await collectIp(Buffer.from(text), {})).toEqual(expected);
    expect(await collectIp([text.slice(0, 7), Buffer.from(text.slice(7))], {})).toEqual(expected);
    expect(await collectIp(slowly(), {})).toEqual(expected);
    expect(await collectIp(Readable.from([Buffer.from(text)]), {})).toEqual(expected);
    const body = new Response(text).body;
    if (body === null) throw new Error('no body');
    expect(await collectIp(body, {})).toEqual(expected);
  });

  it('feeds a list', async () => {
    const list = await IpList.fromAsync(readIpEntries(text, { source: 'feed' }));
    expect(list.lookup('192.0.2.9')).toMatchObject({ reason: 'spam', source: 'feed' });
  });

  it('keeps no more of a long line than a line may have', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      const piece = Buffer.alloc(65_536, 0x31);
      for (let at = 0; at < 500; at++) yield piece;
      yield Buffer.from('\n192.0.2.1\n');
    }
    expect(await collectIp(endless(), { maxLineLength: 100 })).toEqual({
      entries: ['192.0.2.1/32 block'],
      problems: ['1 skipped line-too-long'],
    });
  });

  it('ends when the signal fires, even while the source says nothing, and lets go of both', async () => {
    let returned = false;
    const silent: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          returned = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const controller = new AbortController();
    const reading = readIpEntries(silent, { signal: controller.signal }).next();
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(reading).rejects.toThrow('enough');
    expect(returned).toBe(true);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('stops the source when the reader stops', async () => {
    let stopped = false;
    async function* source(): AsyncGenerator<string> {
      try {
        yield text;
        yield text;
      } finally {
        stopped = true;
      }
    }
    for await (const _ of readIpEntries(source())) break;
    expect(stopped).toBe(true);
  });

  it('throws what the source throws', async () => {
    async function* broken(): AsyncGenerator<string> {
      yield text;
      throw new Error('connection reset');
    }
    await expect(collectIp(broken(), {})).rejects.toThrow('connection reset');
  });

  it('throws at once on options that are none', () => {
    // @ts-expect-error: not a source
    expect(() => readIpEntries(7)).toThrow(TypeError);
    expect(() => readIpEntries('', { maxLineLength: 1 })).toThrow(RangeError);
    // @ts-expect-error: no such action
    expect(() => readIpEntries('', { action: 'deny' })).toThrow('"action"');
    expect(() => readDomainEntries('', { format: 'domain-csv' })).toThrow('"column"');
  });
});

describe('every format', () => {
  const ipFormats: readonly IpListFormat[] = [
    'plain',
    'drop',
    'ip4set',
    'ip4trie',
    'postfix-cidr',
    'hosts-deny',
    'csv',
  ];
  const domainFormats: readonly DomainListFormat[] = ['domains', 'hosts', 'dnset', 'postfix-access', 'domain-csv'];
  const words = fc.constantFrom(
    ...[
      '1',
      '10.0.0.',
      '255',
      '/',
      '24',
      '-',
      ':',
      '::',
      '2001:db8',
      '[',
      ']',
      '!',
      '!',
      '#',
      ';',
      '$',
      '%',
      '"',
      ',',
      '\\',
    ],
    ...[
      '{"cidr":"',
      '"}',
      '{',
      'if ',
      'endif',
      'ALL',
      'EXCEPT',
      'REJECT',
      '$DATASET ip4trie x',
      '$MAXRANGE4 /',
      '*.',
      '.',
    ],
    ...[
      'example',
      '.com',
      '@',
      '\n',
      '\n',
      '\r',
      '\0',
      '\t',
      ' ',
      ' ',
      '\ufeff',
      'ü',
      '€',
      '\ud800',
      'registrable:',
      '0.0.0.0 ',
    ],
  );
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(words, { maxLength: 80 }).map((all) => all.join('')),
  );

  it.each(ipFormats)('%s takes any bytes, and no prefix but such as are', async (format) => {
    const columns = format === 'csv' ? { column: 'ip' } : {};
    await fc.assert(
      fc.asyncProperty(hostile, async (bytes) => {
        const list = new IpList();
        for await (const [cidr, entry] of readIpEntries(bytes, { format, ...columns })) list.add(cidr, entry);
        for (const { prefix } of list) expect(prefix).toMatch(/^[0-9a-f.:]+\/\d+$/);
      }),
    );
  });

  it.each(domainFormats)('%s takes any bytes, and no pattern but such as are', async (format) => {
    const columns = format === 'domain-csv' ? { column: 'ip' } : {};
    await fc.assert(
      fc.asyncProperty(hostile, async (bytes) => {
        const { entries } = await collectDomains(bytes, { format, ...columns });
        for (const entry of entries) expect(entry).toMatch(/^(registrable:)?[^\s]+ (allow|block)/);
      }),
    );
  });
});

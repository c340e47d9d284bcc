import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageLine, messageOf } from './collected-message.ts';
import {
  type CollectedDomain,
  decodeDomain,
  decodeIndex,
  decodeNames,
  encodeDomain,
  encodeIndex,
  encodeNames,
} from './collected-value.ts';
import { mailto, recordOf } from './test-record.ts';

const { message } = recordOf('example.com', {
  reasons: [{ type: 'other', comment: 'a\nb' }],
  envelopeFrom: '',
  envelopeTo: 'example.net',
  spfResults: [{ domain: 'example.com', scope: 'mfrom', result: 'fail', humanResult: 'x' }],
});
const domain: CollectedDomain = {
  policy: { domain: 'example.com', p: 'reject', sp: 'none', np: 'none', adkim: 's', aspf: 'r', fo: '1', testing: true },
  rua: [mailto('a@example.com'), { uri: 'https://example.com', address: undefined, domain: undefined }],
  errors: ['one\ntwo'],
  seenAt: 5,
  dropped: 2,
  rows: new Map([[messageLine(message), 7]]),
};

describe('what collectors write', () => {
  it('reads back', () => {
    expect(decodeDomain(encodeDomain(domain))).toEqual(domain);
    const index = { dropped: 1, domains: new Map([['example.com', 3]]) };
    expect(decodeIndex(encodeIndex(index))).toEqual(index);
    expect(decodeNames(encodeNames(['a', 'b']))).toEqual(['a', 'b']);
    expect(messageOf(messageLine(message))).toEqual(message);
  });

  it('has one line for messages that are told apart by nothing', () => {
    const { sourceIp, ...rest } = message;
    expect(messageLine({ ...rest, sourceIp })).toBe(messageLine(message));
    expect(messageLine({ ...message, sourceIp: '192.0.2.9' })).not.toBe(messageLine(message));
    expect(messageLine(message)).not.toContain('\n');
  });

  it('bounds a line, whatever a client sends', () => {
    const long = 'x'.repeat(100_000);
    const signature = { domain: long, selector: long, result: 'fail', humanResult: long } as const;
    const line = messageLine({
      ...message,
      sourceIp: long,
      headerFrom: long,
      envelopeFrom: long,
      reasons: Array(100).fill({ type: 'other', comment: long }),
      dkimResults: Array(1_000).fill(signature),
      spfResults: Array(10).fill({ domain: long, result: 'fail' }),
    });
    expect(line.length).toBeLessThan(12_000);
  });

  it('takes other bytes for nothing', () => {
    const values = ['', 'x', '{}', '[]', 'null', '{"dropped":"1"}'];
    for (const value of values) {
      expect(decodeDomain(deflateRawSync(value))).toBeUndefined();
      expect(decodeIndex(deflateRawSync(value))).toBeUndefined();
      expect(decodeNames(Buffer.from(value))).toEqual([]);
      expect(messageOf(value)).toBeUndefined();
    }
    const unknownPolicy = '{"policy":{"domain":"a","p":"x"},"seenAt":1,"dropped":0}';
    expect(decodeDomain(deflateRawSync(unknownPolicy))).toBeUndefined();
    expect(decodeNames(undefined)).toEqual([]);
    expect(decodeDomain(Buffer.from('no deflate'))).toBeUndefined();
    for (const line of [
      '[1,2]',
      '["ip","none","pass","fail","from",null,null,[["x"]],[],[]]',
      '["ip","none","pass","fail","f",0,0,[],[1],[]]',
    ]) {
      expect(messageOf(line)).toBeUndefined();
    }
  });

  it('never throws', () => {
    const bytes = Buffer.from(encodeDomain(domain));
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(10), fc.uint8Array({ maxLength: 10 }), (at, length, more) => {
        const mutant = Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at + length)]);
        const decoded = decodeDomain(mutant);
        for (const line of decoded?.rows.keys() ?? []) messageOf(line);
        decodeIndex(mutant);
        decodeNames(mutant);
      }),
    );
    fc.assert(fc.property(fc.json(), (json) => void messageOf(json)));
  });
});

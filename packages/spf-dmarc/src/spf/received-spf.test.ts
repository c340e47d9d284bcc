import { formatAuthenticationResults, formatHeaderField } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSpf, type SpfInput } from './check-spf.ts';
import { formatReceivedSpf } from './received-spf.ts';
import type { SpfCheck } from './spf-evaluation.ts';
import { spfMethodResults } from './spf-method-results.ts';

const receiver = 'mx.example.org';

function check(input: Partial<SpfInput>, text = 'v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all'): Promise<SpfCheck> {
  const client = { ip: '192.0.2.10', helo: 'mail.example.com', mailFrom: 'ann@example.com', ...input };
  return checkSpf(client, { resolver: new ZoneResolver({ 'example.com': { TXT: text } }) });
}

describe('formatReceivedSpf', () => {
  it('writes what was found (RFC 7208 §9.1)', async () => {
    const value = formatReceivedSpf(await check({}), { receiver });
    expect(formatHeaderField('Received-SPF', value)).toBe(
      [
        'Received-SPF: pass (mx.example.org: example.com authorizes 192.0.2.10)',
        '\tclient-ip=192.0.2.10; envelope-from="ann@example.com"; helo=mail.example.com;',
        '\treceiver=mx.example.org; identity=mailfrom; mechanism="ip4:192.0.2.0/24";\r\n',
      ].join('\r\n'),
    );
  });

  it('names the problem, and the HELO identity', async () => {
    const bad = formatReceivedSpf(await check({ ip: '2001:db8::1' }, 'v=spf1 (oops) "x\\'), { receiver });
    expect(bad).toContain('client-ip="2001:db8::1";');
    expect(bad).toContain('problem="The term \\"(oops)\\" in the SPF record of example.com');
    expect(bad).toMatch(/^permerror \(mx\.example\.org: The term "\\\(oops\\\)"/);
    const { helo } = await check({});
    const none = formatReceivedSpf(helo, { receiver });
    expect(none).toContain('identity=helo;');
    expect(none).not.toContain('envelope-from');
    expect(formatReceivedSpf(await check({}, 'v=spf1'), { receiver })).toContain('mechanism=default;');
  });

  it('is one field whatever the client sends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (helo, local) => {
        const found = await check({ helo, mailFrom: `${local}@example.com` });
        for (const each of [found, found.helo]) {
          const value = formatReceivedSpf(each, { receiver });
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
          expect(value.replaceAll('\r\n\t', ' ')).not.toMatch(/[\u0000-\u001f\u007f]/);
          expect(value.split('\r\n').every((line) => Buffer.byteLength(line) < 998)).toBe(true);
        }
        formatAuthenticationResults({ authservId: receiver, results: spfMethodResults(found) });
      }),
    );
  });

  it('has no line that is blank, however many spaces a record puts into a name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('include:', 'redirect='),
        fc.integer({ min: 1, max: 62 }),
        fc.integer({ min: 20, max: 63 }),
        async (term, spaces, letters) => {
          const found = await check({}, `v=spf1 ${term}x${'%_'.repeat(spaces)}.${'y'.repeat(letters)}.example`);
          expect(found.problem).toContain(`leads to x${' '.repeat(spaces)}.y`);
          const lines = formatReceivedSpf(found, { receiver }).split('\r\n');
          expect(lines.filter((line) => line.trim() === '')).toEqual([]);
        },
      ),
    );
  });

  it('leaves out what is too long, and cuts nothing', async () => {
    const value = formatReceivedSpf(await check({ mailFrom: `${'a'.repeat(450)}@example.com` }), { receiver });
    expect(value).not.toContain('envelope-from');
    expect(value).toContain('helo=mail.example.com');
  });

  it('throws for a receiver that is no name', async () => {
    const found = await check({});
    for (const wrong of ['', 'a b', 'a\r\nb', 'a'.repeat(256)]) {
      expect(() => formatReceivedSpf(found, { receiver: wrong })).toThrow(TypeError);
    }
    // @ts-expect-error no options
    expect(() => formatReceivedSpf(found)).toThrow(TypeError);
  });
});

describe('spfMethodResults', () => {
  it('gives both identities, as Authentication-Results takes them', async () => {
    const results = spfMethodResults(await check({}));
    expect(formatAuthenticationResults({ authservId: receiver, results })).toBe(
      'mx.example.org;\r\n\tspf=pass smtp.mailfrom=ann@example.com;\r\n\tspf=none smtp.helo=mail.example.com',
    );
  });

  it('gives one with a null reverse-path, and one without HELO', async () => {
    const only = (results: ReturnType<typeof spfMethodResults>): unknown =>
      results.map(({ properties }) => properties?.map(({ property }) => property));
    expect(only(spfMethodResults(await check({ mailFrom: '' })))).toEqual([['helo']]);
    expect(only(spfMethodResults(await check({ helo: '' })))).toEqual([['mailfrom']]);
  });

  it('says why there is no result', async () => {
    const [result] = spfMethodResults(await check({}, 'v=spf1 oops'));
    expect(result).toMatchObject({ method: 'spf', result: 'permerror' });
    expect(result?.reason).toContain('"oops"');
  });
});

import { describe, expect, it } from 'vitest';
import { keyRecord, rsa, signedMessage } from './test-signature.ts';
import { input, verify, words, zone } from './test-verification.ts';

describe('the field', () => {
  const now = 1_800_000_000;
  it.each([
    ['v', undefined, 'permerror/missing-tag'],
    ['a', undefined, 'permerror/missing-tag'],
    ['bh', undefined, 'permerror/missing-tag'],
    ['d', undefined, 'permerror/missing-tag'],
    ['h', undefined, 'permerror/missing-tag'],
    ['s', undefined, 'permerror/missing-tag'],
    ['v', '2', 'permerror/version'],
    ['v', '1.0', 'permerror/version'],
    ['a', 'rsa-sha1', 'permerror/algorithm'],
    ['a', 'rsa-sha512', 'permerror/algorithm'],
    ['a', '', 'permerror/algorithm'],
    ['c', 'nowsp', 'permerror/canonicalization'],
    ['c', 'relaxed/relaxed/relaxed', 'permerror/canonicalization'],
    ['q', 'http/get', 'permerror/query-method'],
    ['q', 'http/get : dns/txt', 'pass/verified'],
    ['q', 'DNS/TXT', 'pass/verified'],
    ['q', 'dns', 'pass/verified'],
    ['q', 'dns/mx', 'permerror/query-method'],
    ['q', 'xdns/txt', 'permerror/query-method'],
    ['z', 'From:foo|To:bar', 'pass/verified'],
    ['unknown', 'tag', 'pass/verified'],
    ['h', 'To:Subject', 'permerror/from-unsigned'],
    ['h', '', 'neutral/syntax'],
    ['h', 'From::To', 'neutral/syntax'],
    ['h', 'From:a b', 'neutral/syntax'],
    ['h', 'From:a\tb:c', 'neutral/syntax'],
    ['h', 'From: :To', 'neutral/syntax'],
    ['h', ' Subject\t:\r\n\tTo : From ', 'pass/verified'],
    ['h', 'Subject:To:From:\u00e2\u0084\u00aa', 'neutral/syntax'],
    ['h', `From:${'x:'.repeat(1_000)}y`, 'neutral/syntax'],
    ['h', 'From:\u00c2\u00a0', 'neutral/syntax'],
    ['i', '@example.com', 'pass/verified'],
    ['i', 'ann@sub.example.com', 'pass/verified'],
    ['i', 'ann@example.org', 'permerror/identity'],
    ['i', 'ann@badexample.com', 'permerror/identity'],
    ['i', 'ann@com', 'permerror/identity'],
    ['i', 'example.com', 'neutral/syntax'],
    ['i', 'ann@', 'neutral/syntax'],
    ['i', 'ann@bob@example.com', 'neutral/syntax'],
    ['i', '"ann@bob"@example.com', 'pass/verified'],
    ['d', 'exa mple.com', 'neutral/syntax'],
    ['d', 'EXAMPLE.com', 'pass/verified'],
    ['d', '', 'neutral/syntax'],
    ['s', 'a b', 'neutral/syntax'],
    ['s', '.rsa', 'neutral/syntax'],
    ['s', 'RSA', 'pass/verified'],
    ['s', 'nothing', 'permerror/no-key'],
    ['bh', 'AAAA', 'neutral/syntax'],
    ['bh', '%', 'neutral/syntax'],
    ['l', '-1', 'neutral/syntax'],
    ['l', '1e3', 'neutral/syntax'],
    ['l', '9'.repeat(77), 'neutral/syntax'],
    ['t', 'now', 'neutral/syntax'],
    ['t', String(now + 300), 'pass/verified'],
    ['t', String(now + 301), 'policy/not-yet-valid'],
    ['x', String(now - 300), 'pass/verified'],
    ['x', String(now - 301), 'policy/expired'],
    ['x', '', 'neutral/syntax'],
  ] as const)('with %s=%s is %s', async (name, value, expected) => {
    const message = signedMessage([{ tags: { [name]: value } }], input);
    expect(await words(message, { clock: { now: () => now * 1_000 } })).toEqual([expected]);
  });

  it('wants x= behind t=', async () => {
    const clock = { now: () => now * 1_000 };
    const t = String(now);
    expect(await words(signedMessage([{ tags: { t, x: t } }], input), { clock })).toEqual(['neutral/syntax']);
    const x = String(now + 1);
    expect(await words(signedMessage([{ tags: { t, x } }], input), { clock })).toEqual(['pass/verified']);
  });

  it.each([
    ['', 'permerror/missing-tag'],
    ['v=1', 'permerror/missing-tag'],
    ['v=1; v=1', 'neutral/syntax'],
    ['v=1;; a=rsa-sha256', 'neutral/syntax'],
    ['what is this', 'neutral/syntax'],
    ['v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=AAAA; b=', 'neutral/syntax'],
    ['v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=AAAA; b=%', 'neutral/syntax'],
    ['=; '.repeat(10_000), 'neutral/syntax'],
    [Array.from({ length: 100 }, (_, n) => `x${n}=`).join(';'), 'neutral/syntax'],
    [`\0\u0080\u00ff`, 'neutral/syntax'],
  ])('%j is %s', async (value, expected) => {
    expect(await words(`DKIM-Signature: ${value}\r\nFrom: a@example.com\r\n\r\nbody`)).toEqual([expected]);
  });

  it('may be internationalized (RFC 8616 §5)', async () => {
    const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
    const tags = { d: utf8('bücher.example'), s: utf8('schlüssel'), i: utf8('ännchen@mail.BÜCHER.example') };
    expect(await words(signedMessage([{ tags: { ...tags, s: utf8('ü2') } }], input))).toEqual(['permerror/no-key']);
    const [result] = await verify(signedMessage([{ tags }], input), {
      resolver: zone({ 'xn--schlssel-95a._domainkey.xn--bcher-kva.example': keyRecord(rsa.publicKey) }),
    });
    expect(result).toMatchObject({
      result: 'pass',
      domain: 'xn--bcher-kva.example',
      selector: 'xn--schlssel-95a',
      identity: 'ännchen@mail.xn--bcher-kva.example',
    });
  });
});

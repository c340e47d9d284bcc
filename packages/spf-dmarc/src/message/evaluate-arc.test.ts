import { generateKeyPairSync } from 'node:crypto';
import { ZoneResolver } from '@postern/testing';
import { sealMessage } from 'mailauth';
import { describe, expect, it } from 'vitest';
import type { DkimResult } from '../dkim/dkim-result.ts';
import { headerOf } from '../test-header.ts';
import { readArcChain } from './arc-chain.ts';
import type { ArcEvaluation } from './arc-evaluation.ts';
import { evaluateArc } from './evaluate-arc.ts';
import { loadMailauth } from './load-mailauth.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
const zone = { 's._domainkey.list.example': { TXT: key }, 's._domainkey.next.example': { TXT: key } };
const bounds = { maxSets: 20, maxBytes: 65_536 };
const header = ['From: ann@example.org', 'To: list@list.example', 'Subject: [list]   hi'];

/** The header with one more set on top. */
async function sealed(lines: readonly string[], domain: string, cv: 'none' | 'pass' | 'fail') {
  const seal = await sealMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\nHello\r\n`), {
    signingDomain: domain,
    selector: 's',
    privateKey: pem,
    authResults: `mx.${domain}; dmarc=pass header.from=example.org`,
    cv,
  });
  return [
    ...seal
      .toString('latin1')
      .trimEnd()
      .split(/\r\n(?![ \t])/),
    ...lines,
  ];
}

async function judge(
  lines: readonly string[],
  signature: DkimResult = 'pass',
  resolver = new ZoneResolver(zone),
): Promise<ArcEvaluation> {
  const chain = readArcChain(headerOf(...lines), bounds);
  if (chain === undefined || typeof chain === 'string') throw new Error(`no chain: ${chain}`);
  return evaluateArc(chain, signature, await loadMailauth('test', 'arc'), resolver);
}

describe('evaluateArc', () => {
  it('passes a chain whose seals hold, and says who sealed and what they saw', async () => {
    const twice = await sealed(await sealed(header, 'list.example', 'none'), 'next.example', 'pass');
    expect(await judge(twice)).toEqual({
      result: 'pass',
      summary: 'Every seal of the chain holds.',
      sealer: 'next.example',
      sets: ['list.example', 'next.example'].map((domain, index) => ({
        instance: index + 1,
        sealer: domain,
        selector: 's',
        authservId: `mx.${domain}`,
        results: [
          {
            method: 'dmarc',
            result: 'pass',
            properties: [{ ptype: 'header', property: 'from', value: 'example.org' }],
          },
        ],
      })),
    });
  });

  it('does not believe seals when the newest signature of the message does not hold', async () => {
    const lines = await sealed(header, 'list.example', 'none');
    for (const result of ['fail', 'permerror', 'neutral', 'policy'] as const) {
      expect(await judge(lines, result)).toMatchObject({ result: 'fail', sealer: undefined });
    }
    expect(await judge(lines, 'temperror')).toMatchObject({ result: 'temperror', sealer: undefined });
  });

  it('fails a chain in which anything was changed', async () => {
    const lines = await sealed(header, 'list.example', 'none');
    const changed = lines.map((line) => line.replace('dmarc=pass', 'dmarc=fail'));
    expect(changed).not.toEqual(lines);
    expect(await judge(changed)).toMatchObject({ result: 'fail' });
    expect(await judge(lines.filter((line) => !line.startsWith('ARC-Authentication-Results')))).toMatchObject({
      result: 'fail',
      summary: expect.stringContaining('not well-formed'),
    });
    expect(await judge(await sealed(lines, 'next.example', 'fail'))).toMatchObject({ result: 'fail' });
  });

  it('believes nobody whom others read otherwise', async () => {
    const lines = await sealed(await sealed(header, 'list.example', 'none'), 'next.example', 'pass');
    const doubtful = { result: 'fail', summary: expect.stringContaining('in more than one way'), sealer: undefined };
    const change = (name: string, edit: (line: string) => string) =>
      lines.map((line) => (line.startsWith(`${name}: i=2;`) ? edit(line) : line));
    // More tags than are read here.
    const many = (line: string): string => `${line}${Array.from({ length: 65 }, (_, n) => `; x${n}=y`).join('')}`;
    expect(await judge(change('ARC-Seal', many))).toMatchObject(doubtful);
    expect(await judge(change('ARC-Message-Signature', many))).toMatchObject(doubtful);
    // `next.example` for who maps letters; the name of a key has none to map.
    const odd = change('ARC-Seal', (line) => line.replace('d=next.example', 'd=n\u{1d5be}xt.example'));
    expect(odd).not.toEqual(lines);
    expect(await judge(odd)).toMatchObject({ result: 'fail', sealer: undefined });
  });

  it('does not call a key that could not be looked up a failure', async () => {
    const lines = await sealed(header, 'list.example', 'none');
    const down = new ZoneResolver({ 's._domainkey.list.example': { TXT: { failure: 'servfail' } } });
    expect(await judge(lines, 'pass', down)).toMatchObject({ result: 'temperror', sealer: undefined });
    expect(await judge(lines, 'pass', new ZoneResolver({}))).toMatchObject({ result: 'fail' });
  });

  it('asks one question a set, however many there are', async () => {
    const resolver = new ZoneResolver(zone);
    const twice = await sealed(await sealed(header, 'list.example', 'none'), 'next.example', 'pass');
    await judge(twice, 'pass', resolver);
    for (const name of Object.keys(zone)) expect(resolver.queries.count(name, 'TXT')).toBe(1);
  });
});

describe('readArcChain', () => {
  it('sees no chain in a message without ARC fields', () => {
    expect(readArcChain(headerOf(...header), bounds)).toBeUndefined();
  });

  it('does not look beyond its bounds', () => {
    const seals = Array.from({ length: 21 }, (_, index) => `ARC-Seal: i=${index + 1}; d=a.example; s=s`);
    expect(readArcChain(headerOf(...seals), bounds)).toBe('The message has more than 20 ARC sets.');
    const long = `ARC-Seal: i=1;${' '.repeat(70_000)}`;
    expect(readArcChain(headerOf(long), bounds)).toBe('The ARC fields of the message have more than 65536 bytes.');
  });

  it('finds the newest signature, whatever stands around it', () => {
    const chain = readArcChain(
      headerOf(
        'ARC-Message-Signature: i=2; d=b.example',
        'ARC-Message-Signature: i=nonsense; d=c.example',
        'ARC-Message-Signature: i=10; d=a.example',
        'ARC-Message-Signature: nonsense',
        'ARC-Message-Signature: i=100; d=d.example',
      ),
      bounds,
    );
    expect(typeof chain === 'object' && chain.newestSignature?.field.value).toBe('i=10; d=a.example');
  });
});

import { generateKeyPairSync } from 'node:crypto';
import {
  type Check,
  formatHeaderField,
  MemoryStore,
  mailboxPath,
  type Opinion,
  type Session,
  type Transaction,
} from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, it } from 'vitest';
import { headerOf } from '../test-header.ts';
import { DkimSignatures } from './dkim-signatures.ts';
import { type DkimSigningCheckOptions, dkimSigning } from './dkim-signing-check.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const record = `v=DKIM1; k=ed25519; p=${publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64')}`;
const forExample = { domain: 'example.com', selector: 's', key: privateKey };
const forShop = { domain: 'shop.example.com', selector: 't', key: privateKey };
const clock = { now: () => 1_700_000_000_000 };

function transactionOf(facts: Partial<Session>): Transaction {
  const session: Session = {
    id: '1',
    service: 'submission',
    client: { address: '192.0.2.1', port: 1, ip: undefined },
    local: { address: '192.0.2.2', port: 587 },
    startedAt: 0,
    helo: undefined,
    esmtp: true,
    tls: undefined,
    user: 'ann',
    trusted: false,
    ...facts,
  };
  return {
    id: '2',
    session,
    startedAt: 0,
    reversePath: mailboxPath(''),
    recipients: [],
  };
}

async function opinionOf(
  message: string,
  options: DkimSigningCheckOptions,
  facts: Partial<Session> = {},
): Promise<Opinion | undefined> {
  const check: Check = dkimSigning(options);
  const transaction = transactionOf(facts);
  const context = { resolver: new ZoneResolver({}), store: new MemoryStore(), clock };
  const sink = check.start(transaction.session, context)?.message?.(transaction);
  if (sink === undefined) return undefined;
  const end = message.indexOf('\r\n\r\n') + 4;
  sink.header(headerOf(message.slice(0, end)));
  for (const letter of message.slice(end)) await sink.write(Buffer.from(letter, 'latin1'));
  return sink.end();
}

/** The message as the gateway composes it. */
function composed(message: string, opinion: Opinion | undefined): Buffer {
  const edits = opinion?.headerEdits ?? [];
  const fields = edits.map((edit) => (edit.action === 'add' ? formatHeaderField(edit.name, edit.value) : ''));
  return Buffer.from(`Received: from a by b\r\n${fields.join('')}${message}`, 'latin1');
}

function domainsOf(opinion: Opinion | undefined): unknown {
  const signatures = opinion?.finding['signatures'];
  return Array.isArray(signatures) ? signatures.map((each) => JSON.parse(JSON.stringify(each)).domain) : undefined;
}

const message = 'From: Ann <ann@example.com>\r\nTo: bob@example.org\r\n\r\nHello\r\n\r\n';

describe('dkimSigning', () => {
  it.each(['relaxed/relaxed', 'simple/simple'] as const)(
    'signs what an own client sends: %s',
    async (canonicalization) => {
      const opinion = await opinionOf(message, { signatures: [{ ...forExample, canonicalization }] });
      expect(opinion).toMatchObject({
        finding: {
          kind: 'dkim/signed',
          summary: 'Signed for example.com (s).',
          signatures: [{ domain: 'example.com', selector: 's', algorithm: 'ed25519-sha256' }],
        },
      });
      expect(opinion?.verdict).toBeUndefined();
      const { results } = await dkimVerify(composed(message, opinion), { resolver: async () => [[record]] });
      expect(results.map(({ status }) => status.result)).toEqual(['pass']);
    },
  );

  it('goes by the clock of the gateway, or its own', async () => {
    const value = async (options: object): Promise<string> => {
      const opinion = await opinionOf(message, { signatures: [forExample], ...options });
      return JSON.stringify(opinion?.headerEdits);
    };
    expect(await value({})).toContain('t=1700000000;');
    expect(await value({ clock: { now: () => 5_000 } })).toContain('t=5;');
  });

  it('signs for nobody whom it does not know', async () => {
    const signatures = [forExample, forShop];
    const from = async (value: string): Promise<unknown> => {
      const opinion = await opinionOf(`From: ${value}\r\n\r\nx`, { signatures });
      return domainsOf(opinion) ?? opinion?.finding.kind;
    };
    expect(await from('a@example.com')).toEqual(['example.com']);
    expect(await from('a@Shop.Example.com')).toEqual(['example.com', 'shop.example.com']);
    expect(await from('a@news.example.com')).toEqual(['example.com']);
    expect(await from('a@example.com, b@shop.example.com')).toEqual(['example.com']);
    expect(await from('a@example.com, b@example.org')).toBe('dkim/unsigned');
    expect(await from('a@notexample.com')).toBe('dkim/unsigned');
    expect(await from('a@com')).toBe('dkim/unsigned');
    expect(await from('a@example.com\r\nFrom: b@example.com')).toBe('dkim/unsigned');
    expect(await from('nobody')).toBe('dkim/unsigned');
    expect(await from('list:;')).toBe('dkim/unsigned');
  });

  it('asks a function for the signatures of a domain', async () => {
    const asked: string[] = [];
    const signatures = new DkimSignatures([forExample]);
    const opinion = await opinionOf('From: a@News.example.com\r\n\r\n', {
      signatures: (domain) => {
        asked.push(domain);
        return signatures;
      },
    });
    expect(asked).toEqual(['news.example.com']);
    expect(domainsOf(opinion)).toEqual(['example.com']);
    expect(await opinionOf(message, { signatures: () => undefined })).toMatchObject({
      finding: { kind: 'dkim/unsigned', summary: 'There is no key for example.com.' },
    });
  });

  it.each([Promise.resolve(undefined), [forExample], {}, null])(
    'takes nothing else from that function',
    async (value) => {
      // @ts-expect-error: from JavaScript
      await expect(opinionOf(message, { signatures: () => value })).rejects.toThrow(TypeError);
    },
  );

  it('signs nothing that strangers bring, unless it is told to', async () => {
    const signatures = [forExample];
    expect(await opinionOf(message, { signatures }, { user: undefined })).toBeUndefined();
    expect(domainsOf(await opinionOf(message, { signatures }, { user: undefined, trusted: true }))).toHaveLength(1);
    const when = (transaction: Transaction): boolean => transaction.session.service === 'submission';
    expect(domainsOf(await opinionOf(message, { signatures, when }, { user: undefined }))).toHaveLength(1);
    expect(await opinionOf(message, { signatures, when }, { service: 'mx' })).toBeUndefined();
  });

  it('can be given up', () => {
    const transaction = transactionOf({});
    const context = { resolver: new ZoneResolver({}), store: new MemoryStore(), clock };
    const sink = dkimSigning({ signatures: [forExample] })
      .start(transaction.session, context)
      ?.message?.(transaction);
    sink?.header(headerOf(message));
    sink?.abort();
    expect(sink?.write(Buffer.from('x'))).toBeUndefined();
  });

  it('refuses options that it does not know', () => {
    expect(dkimSigning({ signatures: [forExample], name: 'x' }).name).toBe('x');
    // @ts-expect-error: from JavaScript
    expect(() => dkimSigning({})).toThrow(TypeError);
    // @ts-expect-error: from JavaScript
    expect(() => dkimSigning({ signatures: [forExample], if: 1 })).toThrow('unknown option "if"');
    expect(() => dkimSigning({ signatures: [{ ...forExample, selector: '' }] })).toThrow(RangeError);
  });
});

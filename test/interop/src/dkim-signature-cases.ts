import type { Craft } from './dkim-crafted.ts';
import type { DkimKeyPairs } from './dkim-key-pairs.ts';
import type { DkimKeyPair } from './dkim-peer.ts';

/** A signature or a key record as somebody might write it, and what the RFC says of it. */
export interface SignatureCase {
  readonly name: string;
  /** Of RFC 6376, or of the one that it names. */
  readonly section: string;
  readonly pass: boolean;
  readonly craft?: Omit<Craft, 'key'>;
  /** Default RSA-2048. */
  readonly key?: keyof DkimKeyPairs;
  /** Changes the key record; `undefined`: there is none. */
  readonly record?: (key: DkimKeyPair) => string | undefined;
  /** Changes the message after it was signed. */
  readonly alter?: (message: string) => string;
  /** Peers that see it differently. */
  readonly deviate?: readonly string[];
}

const now = Math.floor(Date.now() / 1_000);
const publicKey = ({ record }: DkimKeyPair): string => record.slice(record.indexOf('p=') + 2);

const accepted: readonly Omit<SignatureCase, 'pass'>[] = [
  { name: 'as usual', section: '3.5' },
  { name: 'unknown tags', section: '3.2', craft: { tags: { foo: 'bar', x_1: '', y2: 'a=b:c' } } },
  {
    name: 'white space around tags',
    section: '3.2',
    craft: { rewrite: (field) => field.replaceAll(/(\w+)=(?=.)/g, '$1 = ').replaceAll(';', ' ;') },
  },
  { name: 'folds around tags', section: '3.2', craft: { rewrite: (field) => field.replaceAll('; ', ';\r\n\t') } },
  { name: 'no white space at all', section: '3.2', craft: { rewrite: (field) => field.replaceAll(' ', '') } },
  { name: 'a semicolon at the end', section: '3.2', craft: { tail: ';' } },
  { name: 'white space behind the signature', section: '3.7', craft: { tail: ' ; ' }, deviate: ['dkimpy'] },
  { name: 'a fold behind the signature', section: '3.7', craft: { tail: '\r\n ; foo=bar' }, deviate: ['dkimpy'] },
  { name: 'white space before the signature', section: '3.7', craft: { rewrite: (field) => `${field} ` } },
  { name: 'tags behind the signature', section: '3.2', craft: { tail: '; foo=bar' } },
  {
    name: 'version last',
    section: '3.5',
    craft: { rewrite: (field) => field.replace('v=1; ', '').replace(/b=$/, 'v=1; b=') },
  },
  {
    name: 'folded body hash',
    section: '3.5 bh=',
    craft: { rewrite: (field) => field.replace(/(bh=.{9})/, '$1\r\n  ') },
  },
  {
    name: 'no canonicalization',
    section: '3.5 c=',
    craft: { header: 'simple', body: 'simple', tags: { c: undefined } },
  },
  {
    name: 'canonicalization of the header alone',
    section: '3.5 c=',
    craft: { body: 'simple', tags: { c: 'relaxed' } },
  },
  { name: 'domain in capitals', section: '3.5 d=', craft: { tags: { d: 'RSA2048.Example' } } },
  { name: 'identity below the domain', section: '3.5 i=', craft: { tags: { i: 'ann@mail.rsa2048.example' } } },
  { name: 'identity in capitals', section: '3.5 i=', craft: { tags: { i: '@RSA2048.EXAMPLE' } } },
  {
    name: 'identity in quoted-printable',
    section: '3.5 i=',
    craft: { tags: { i: 'a=20n=3Bn@rsa2048.example' } },
    deviate: ['mailauth'],
  },
  { name: 'length of the whole body', section: '3.5 l=', craft: { tags: { l: '19' } } },
  { name: 'length with zeros in front', section: '3.5 l=', craft: { tags: { l: '0000019' } } },
  { name: 'times that fit', section: '3.5 t=, x=', craft: { tags: { t: String(now - 60), x: String(now + 3_600) } } },
  { name: 'expires in ten thousand years', section: '3.5 x=', craft: { tags: { x: '999999999999' } } },
  { name: 'query method', section: '3.5 q=', craft: { tags: { q: 'dns/txt' } } },
  {
    name: 'query methods of which one is known',
    section: '3.5 q=',
    craft: { tags: { q: 'new/one : dns/txt' } },
    deviate: ['dkimpy', 'Mail::DKIM'],
  },
  {
    name: 'copied fields',
    section: '3.5 z=',
    craft: { tags: { z: 'From:nobody@elsewhere.example|Subject:=20other' } },
  },
  { name: 'names of fields in capitals', section: '3.5 h=', craft: { tags: { h: 'FROM:tO:Subject' } } },
  { name: 'white space between names', section: '3.5 h=', craft: { tags: { h: 'from : to\r\n\t:\r\n subject' } } },
  {
    name: 'names of fields that are not there',
    section: '3.5 h=',
    craft: { tags: { h: 'from:x-none:to:cc:from:from' } },
  },
  {
    name: 'of two fields, the last',
    section: '5.4.2',
    craft: { tags: { h: 'from:x-two' } },
    alter: (message) => message.replace('X-Two: one', 'X-Two: changed'),
  },
  {
    name: 'relaxed: names, folds and white space change',
    section: '3.4.2',
    alter: (message) => message.replace('Subject: two words', 'SUBJECT :\r\n two\t \r\n  words \t'),
    deviate: ['dkimpy'],
  },
  {
    name: 'relaxed: white space of the body changes',
    section: '3.4.4',
    alter: (message) => message.replace('Hello you', 'Hello \t you ').concat(' \t\r\n\r\n'),
  },
  {
    name: 'simple: empty lines follow',
    section: '3.4.3',
    craft: { body: 'simple' },
    alter: (message) => `${message}\r\n\r\n`,
  },
  { name: 'key record without version or type', section: '3.6.1', record: (key) => `p=${publicKey(key)}` },
  {
    name: 'key record with every tag',
    section: '3.6.1',
    record: (key) => `v=DKIM1; h=sha256; k=rsa; n=note=20; s=email; t=y; foo=bar; p=${publicKey(key)};`,
  },
  {
    name: 'key record with white space',
    section: '3.6.1',
    record: (key) => `v=DKIM1 ; k = rsa ; p = ${publicKey(key).replaceAll(/(.{40})/g, '$1 ')} `,
  },
  {
    name: 'key for several hashes',
    section: '3.6.1 h=',
    record: (key) => `v=DKIM1; h=sha1:sha256; p=${publicKey(key)}`,
  },
  {
    name: 'key for several services',
    section: '3.6.1 s=',
    record: (key) => `v=DKIM1; s=other:*; p=${publicKey(key)}`,
    deviate: ['dkimpy'],
  },
  {
    name: 'key for its own domain',
    section: '3.6.1 t=',
    craft: { tags: { i: 'ann@rsa2048.example' } },
    record: (key) => `v=DKIM1; t=s; p=${publicKey(key)}`,
  },
  { name: 'key with unknown flags', section: '3.6.1 t=', record: (key) => `v=DKIM1; t=y:new; p=${publicKey(key)}` },
  { name: 'Ed25519 with the type of the key', section: 'RFC 8463 4', key: 'ed25519', deviate: ['Mail::DKIM'] },
];

const refused: readonly Omit<SignatureCase, 'pass'>[] = [
  { name: 'without v=', section: '3.5', craft: { tags: { v: undefined } }, deviate: ['Mail::DKIM'] },
  { name: 'without a=', section: '3.5', craft: { tags: { a: undefined } } },
  { name: 'without d=', section: '3.5', craft: { tags: { d: undefined } } },
  { name: 'without s=', section: '3.5', craft: { tags: { s: undefined } } },
  { name: 'without bh=', section: '3.5', craft: { tags: { bh: undefined } }, deviate: ['Mail::DKIM'] },
  { name: 'without h=', section: '3.5', craft: { tags: { h: undefined } }, deviate: ['Mail::DKIM'] },
  { name: 'another version', section: '3.5 v=', craft: { tags: { v: '2' } } },
  { name: 'version 1.0', section: '3.5 v=', craft: { tags: { v: '1.0' } } },
  { name: 'a tag twice', section: '3.2', craft: { rewrite: (field) => field.replace(/b=$/, 's=one; b=') } },
  {
    name: 'an unknown tag twice',
    section: '3.2',
    craft: { rewrite: (field) => field.replace(/b=$/, 'foo=1; foo=1; b=') },
    deviate: ['opendkim', 'Mail::DKIM'],
  },
  { name: 'a tag without a value', section: '3.2', craft: { rewrite: (field) => field.replace(/b=$/, 'foo; b=') } },
  {
    name: 'an empty tag in between',
    section: '3.2',
    craft: { rewrite: (field) => field.replace(/b=$/, '; b=') },
    deviate: ['Mail::DKIM'],
  },
  { name: 'rsa-sha1', section: 'RFC 8301 3.1', craft: { tags: { a: 'rsa-sha1' } } },
  { name: 'an unknown algorithm', section: '3.5 a=', craft: { tags: { a: 'rsa-sha512' } } },
  {
    name: 'the algorithm of another key',
    section: '3.5 a=',
    craft: { tags: { a: 'ed25519-sha256' } },
    deviate: ['dkimpy'],
  },
  { name: 'an unknown canonicalization', section: '3.5 c=', craft: { tags: { c: 'relaxed/nowsp' } } },
  { name: 'an empty canonicalization', section: '3.5 c=', craft: { tags: { c: 'relaxed/' } } },
  {
    name: 'a name that no tag has',
    section: '3.2',
    craft: { rewrite: (field) => field.replace(/b=$/, 'foo,=1; b=') },
    deviate: ['opendkim', 'dkimpy', 'Mail::DKIM'],
  },
  {
    name: 'white space within a name of a field',
    section: '3.5 h=',
    craft: { tags: { h: 'from:t\r\n o' } },
    deviate: ['dkimpy', 'Mail::DKIM'],
  },
  {
    name: 'white space within an identity',
    section: '3.5 i=',
    craft: { tags: { i: '@rsa20 48.example' } },
    deviate: ['opendkim', 'mailauth'],
  },
  {
    name: 'white space within a time',
    section: '3.5 t=',
    craft: { tags: { t: '17 5' } },
    deviate: ['opendkim', 'Mail::DKIM'],
  },
  {
    name: 'From is not signed',
    section: '3.5 h=',
    craft: { tags: { h: 'to:subject' } },
    deviate: ['dkimpy', 'Mail::DKIM'],
  },
  { name: 'no field is signed', section: '3.5 h=', craft: { tags: { h: '' } }, deviate: ['dkimpy', 'Mail::DKIM'] },
  { name: 'identity elsewhere', section: '3.5 i=', craft: { tags: { i: 'ann@elsewhere.example' } } },
  { name: 'identity above the domain', section: '3.5 i=', craft: { tags: { i: '@example' } } },
  { name: 'identity that ends alike', section: '3.5 i=', craft: { tags: { i: '@xrsa2048.example' } } },
  {
    name: 'identity with two domains',
    section: '3.5 i=',
    craft: { tags: { i: 'a@b@rsa2048.example' } },
    deviate: ['dkimpy', 'Mail::DKIM'],
  },
  { name: 'identity without a domain', section: '3.5 i=', craft: { tags: { i: 'ann' } } },
  { name: 'expired', section: '3.5 x=', craft: { tags: { x: String(now - 36_000) } } },
  {
    name: 'expires before it was made',
    section: '3.5 x=',
    craft: { tags: { t: String(now - 60), x: String(now - 120) } },
    deviate: ['dkimpy'],
  },
  { name: 'expires at no time', section: '3.5 x=', craft: { tags: { x: 'never' } } },
  { name: 'made at no time', section: '3.5 t=', craft: { tags: { t: '-1' } }, deviate: ['Mail::DKIM'] },
  { name: 'an unknown query method', section: '3.5 q=', craft: { tags: { q: 'http/get' } } },
  {
    name: 'length beyond the body',
    section: '3.5 l=',
    craft: { tags: { l: '1000' } },
    deviate: ['dkimpy', 'Mail::DKIM', 'mailauth'],
  },
  { name: 'length that is no number', section: '3.5 l=', craft: { tags: { l: '2x' } } },
  { name: 'the body changes', section: '6.1.3', alter: (message) => message.replace('Hello', 'Hullo') },
  { name: 'a signed field changes', section: '6.1.3', alter: (message) => message.replace('two words', 'few words') },
  { name: 'a signed field goes', section: '6.1.3', alter: (message) => message.replace(/Subject:.*\r\n/, '') },
  {
    name: 'the last of two fields changes',
    section: '5.4.2',
    craft: { tags: { h: 'from:x-two' } },
    alter: (message) => message.replace('X-Two: two', 'X-Two: changed'),
  },
  {
    name: 'a field follows that was signed as absent',
    section: '5.4.2',
    craft: { tags: { h: 'from:from:to' } },
    alter: (message) => `From: eve@elsewhere.example\r\n${message}`,
  },
  {
    name: 'the order of two signed fields changes',
    section: '5.4.2',
    craft: { tags: { h: 'from:x-two:x-two' } },
    alter: (message) => message.replace('X-Two: one\r\nX-Two: two', 'X-Two: two\r\nX-Two: one'),
  },
  { name: 'a tag is added', section: '3.7', alter: (message) => message.replace('v=1;', 'v=1; foo=bar;') },
  {
    name: 'simple: white space of the field changes',
    section: '3.4.1',
    craft: { header: 'simple' },
    alter: (message) => message.replace('two words', 'two  words'),
  },
  {
    name: 'simple: white space of the body changes',
    section: '3.4.3',
    craft: { body: 'simple' },
    alter: (message) => message.replace('Hello you', 'Hello  you'),
  },
  { name: 'the signature is cut', section: '6.1.3', alter: (message) => message.replace(/ b=.{40}/, ' b=') },
  { name: 'the signature is empty', section: '3.5 b=', alter: (message) => message.replace(/ b=[^\r]*/, ' b=') },
  { name: 'no key record', section: '6.1.2', record: () => undefined },
  { name: 'key record of something else', section: '6.1.2', record: () => 'v=spf1 -all' },
  { name: 'key revoked', section: '3.6.1 p=', record: () => 'v=DKIM1; p=' },
  { name: 'key missing', section: '3.6.1 p=', record: () => 'v=DKIM1; k=rsa' },
  { name: 'key that is no base64', section: '3.6.1 p=', record: () => 'v=DKIM1; p=***' },
  {
    name: 'key with something else within its base64',
    section: '3.6.1 p=',
    record: (key) => `v=DKIM1; p=${publicKey(key).replace(/^.{9}/, '$&|')}`,
    deviate: ['opendkim', 'dkimpy'],
  },
  {
    name: 'key record with a name that no tag has',
    section: '3.2',
    record: (key) => `v=DKIM1; foo,=1; p=${publicKey(key)}`,
    deviate: ['opendkim', 'dkimpy', 'Mail::DKIM'],
  },
  {
    name: 'key record with a word that is no tag',
    section: '3.2',
    record: (key) => `v=DKIM1;a k=rsa; p=${publicKey(key)}`,
    deviate: ['dkimpy', 'Mail::DKIM', 'mailauth'],
  },
  { name: 'key that is no key', section: '3.6.1 p=', record: () => 'v=DKIM1; p=aGVsbG8=' },
  { name: 'key record of another version', section: '3.6.1 v=', record: (key) => `v=DKIM2; p=${publicKey(key)}` },
  {
    name: 'key record with the version last',
    section: '3.6.1 v=',
    record: (key) => `p=${publicKey(key)}; v=DKIM1`,
    deviate: ['opendkim', 'dkimpy', 'Mail::DKIM'],
  },
  { name: 'key of an unknown type', section: '3.6.1 k=', record: (key) => `v=DKIM1; k=new; p=${publicKey(key)}` },
  {
    name: 'key of another type',
    section: '3.6.1 k=',
    record: (key) => `v=DKIM1; k=ed25519; p=${publicKey(key)}`,
    deviate: ['opendkim'],
  },
  {
    name: 'key for another hash',
    section: '3.6.1 h=',
    record: (key) => `v=DKIM1; h=sha1; p=${publicKey(key)}`,
    deviate: ['dkimpy'],
  },
  { name: 'key for another service', section: '3.6.1 s=', record: (key) => `v=DKIM1; s=tlsrpt; p=${publicKey(key)}` },
  {
    name: 'key for no identity below its domain',
    section: '3.6.1 t=',
    craft: { tags: { i: '@mail.rsa2048.example' } },
    record: (key) => `v=DKIM1; t=s; p=${publicKey(key)}`,
    deviate: ['dkimpy'],
  },
  {
    name: 'key with a tag twice',
    section: '3.2',
    record: (key) => `v=DKIM1; k=rsa; k=rsa; p=${publicKey(key)}`,
    deviate: ['opendkim', 'Mail::DKIM'],
  },
  { name: 'another key', section: '6.1.3', record: () => undefined },
];

/** All of them. */
export const signatureCases: readonly SignatureCase[] = [
  ...accepted.map((each) => ({ ...each, pass: true })),
  ...refused.map((each) => ({ ...each, pass: false })),
];

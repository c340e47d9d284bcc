import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readSpfRecord } from './spf-record.ts';

// The grammar of a term (RFC 7208 §12), `ip6` left out, as regular expressions: another way to say the same.
const LITERAL = '[\\x21-\\x24\\x26-\\x7e]';
const macro = (letters: string): string => `(?:%\\{[${letters}](?:0*[1-9][0-9]*)?r?[.\\-+,/_=]*\\}|%%|%_|%-)`;
const macroString = (letters: string): string => `(?:${macro(letters)}|${LITERAL})*`;
const TOP_LABEL = '(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])';
const DOMAIN = `(?:${macroString('slodiphv')}(?:\\.${TOP_LABEL}\\.?|${macro('slodiphv')}))`;
const IP4_LENGTH = '(?:/(?:[0-9]|[12][0-9]|3[0-2]))';
const IP6_LENGTH = '(?:/(?:[0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))';
const OCTET = '(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])';
const MECHANISM = [
  'all',
  `(?:include|exists):${DOMAIN}`,
  `(?:a|mx)(?::${DOMAIN})?${IP4_LENGTH}?(?:/${IP6_LENGTH})?`,
  `ptr(?::${DOMAIN})?`,
  `ip4:${OCTET}(?:\\.${OCTET}){3}${IP4_LENGTH}?`,
].join('|');
const MODIFIER = `(?:redirect|exp)=${DOMAIN}|(?!redirect=|exp=)[a-z][a-z0-9\\-_.]*=${macroString('slodiphvcrt')}`;
const grammar = new RegExp(`^(?:[+\\-?~]?(?:${MECHANISM})|${MODIFIER})$`, 'i');

const start = fc.constantFrom(
  'a:',
  'mx:',
  'A',
  'mx',
  'ptr:',
  'include:',
  'exists:',
  'redirect=',
  'exp=',
  'x=',
  'ip4:',
  '',
);
const piece = fc.constantFrom(
  ...['a', 'all', 'x', ':', '=', '/', '//', '.', '-', '+', '~', '?', '_', '"', '\xff', '\t'],
  ...['%', '%%', '%_', '%-', '%{', '}', '%{d}', '%{d2r-}', '%{c}', '%{S}', '%{l1r+-.}', '%{h0}', '%{i10}', '%{V08}'],
  ...['example', 'com', 'c-d', 'b.c', 'b.c.', '.com', '0', '1', '08', '24', '32', '33', '128', '129', '192.0.2.1'],
);
const end = fc.constantFrom('', '', '', '.com', '/24', '//64', '/0//0', '.com/32');

it('reads the terms that the grammar has, and no others', () => {
  let valid = 0;
  fc.assert(
    fc.property(start, fc.array(piece, { maxLength: 5 }), end, (first, pieces, last) => {
      const term = first + pieces.join('') + last;
      fc.pre(term !== '');
      const { ok } = readSpfRecord(`v=spf1 ${term}`);
      expect([term, ok]).toEqual([term, grammar.test(term)]);
      if (ok) valid++;
    }),
    { numRuns: 5_000 },
  );
  expect(valid).toBeGreaterThan(100);
});

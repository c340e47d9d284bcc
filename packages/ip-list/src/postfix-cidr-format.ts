import { type Cidr, parseCidr } from '@postern/core';
import { type CidrRegion, complement, intersect } from './cidr-region.ts';
import type { AddressFormat, AddressOutput } from './line-format.ts';
import { type LogicalLine, LogicalLines, splitWord } from './logical-lines.ts';
import { readPostfixAction } from './postfix-action.ts';
import { SeenPrefixes } from './seen-prefixes.ts';

/** Nested negations multiply; whoever needs more prefixes for one rule should write them down. */
const MAX_REGION = 512;
const MAX_DEPTH = 32;
/** What may be written out in a whole table, in prefixes that were compared: a second of work at most. */
const MAX_STEPS = 100_000;

/** `unreadable`: an `if` that was not understood, so that what it holds is not known to apply anywhere. */
type Block = CidrRegion | 'unreadable';

/** `10.0.0.0/8`, `[2001:db8::]/32` or `[2001:db8::/32]`, without the `!`. */
function readPattern(text: string, number: number, output: AddressOutput): Cidr | undefined {
  const close = text.startsWith('[') ? text.indexOf(']') : -1;
  const bare = close < 0 ? text : text.slice(1, close) + text.slice(close + 1);
  const result = parseCidr(bare);
  if (!result.ok) {
    output.problem('skipped', result.reason, text, number);
    return undefined;
  }
  // In a table ::ffff:192.0.2.1 is an IPv6 pattern, which no client's address matches: Postfix writes those as IPv4.
  if (result.cidr.network.family === 4 && bare.includes(':')) {
    output.problem('skipped', 'unsupported', text, number);
    return undefined;
  }
  if (result.hostBitsSet) output.problem('taken', 'host-bits', text, number);
  return result.cidr;
}

/**
 * Postfix cidr_table(5): `pattern action`, the first pattern that matches decides. A list, in which the longest prefix
 * decides, says the same without the rules that an earlier one covers; those are left out. Negated patterns are written out
 * as the prefixes that remain, and rules between `if` and `endif` hold for what both have in common. The reason is the
 * action with its text.
 */
export function postfixCidrFormat(): AddressFormat {
  const lines = new LogicalLines();
  const decided = new SeenPrefixes();
  const blocks: Block[] = [];
  let steps = 0;

  function region(text: string, number: number, output: AddressOutput): CidrRegion | undefined {
    let negated = false;
    let at = 0;
    for (; text.charAt(at) === '!' || text.charAt(at).trim() === ''; at++) {
      if (at === text.length) break;
      if (text.charAt(at) === '!') negated = !negated;
    }
    const cidr = readPattern(text.slice(at), number, output);
    if (cidr === undefined) return undefined;
    const own = negated ? complement(cidr) : [cidr];
    const outer = blocks.at(-1);
    if (outer === undefined && !negated) return own;
    if (outer !== 'unreadable') {
      steps += own.length * (outer?.length ?? 1);
      const both = outer === undefined ? own : intersect(own, outer);
      if (both.length <= MAX_REGION && steps <= MAX_STEPS) return both;
    }
    output.problem('skipped', 'unsupported', text, number);
    return undefined;
  }

  function rule(text: string, number: number, output: AddressOutput): void {
    const negations = text.length - text.replace(/^[!\s]+/, '').length;
    const { word, rest } = splitWord(text.slice(negations));
    if (rest === '') {
      output.problem('skipped', 'malformed', text, number);
      return;
    }
    const where = region(text.slice(0, negations) + word, number, output);
    if (where === undefined) return;
    const { action, known } = readPostfixAction(rest);
    if (!known) output.problem('taken', 'unknown-action', text, number);
    for (const cidr of where) {
      if (decided.covers(cidr)) continue;
      decided.add(cidr);
      output.add(cidr, action, rest);
    }
  }

  function read({ text, number }: LogicalLine, output: AddressOutput): void {
    const { word, rest } = splitWord(text);
    const keyword = word.toLowerCase();
    if (keyword === 'if' || keyword.startsWith('if!')) {
      if (blocks.length === MAX_DEPTH) output.problem('skipped', 'unsupported', text, number);
      const pattern = text.slice(2);
      blocks.push(blocks.length >= MAX_DEPTH ? 'unreadable' : (region(pattern, number, output) ?? 'unreadable'));
    } else if (keyword === 'endif') {
      if (blocks.pop() === undefined || rest !== '') output.problem('skipped', 'malformed', text, number);
    } else if (blocks.at(-1) === 'unreadable') {
      output.problem('skipped', 'unsupported', text, number);
    } else {
      rule(text, number, output);
    }
  }

  return {
    line(text, output) {
      const line = lines.push(text, output);
      if (line !== undefined) read(line, output);
    },
    end(output) {
      const line = lines.end(output);
      if (line !== undefined) read(line, output);
    },
  };
}

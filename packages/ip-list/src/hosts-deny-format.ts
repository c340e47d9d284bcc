import { type Cidr, parseCidr, parseIp } from '@postern/core';
import type { AddressFormat, AddressOutput } from './line-format.ts';
import { scanOctets } from './rbldnsd-address.ts';
import { SeenPrefixes } from './seen-prefixes.ts';

/** What continued lines may have together, in UTF-16 units. */
const MAX_LENGTH = 65_536;

/** Words that stand for hosts by what is known of their names, and operators. */
const WORDS: ReadonlySet<string> = new Set(['ALL', 'LOCAL', 'UNKNOWN', 'KNOWN', 'PARANOID', 'EXCEPT']);

/** The parts between colons, where those in brackets and behind a backslash are none. */
function splitColons(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let inBrackets = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at++;
    else if (char === '[') inBrackets = true;
    else if (char === ']') inBrackets = false;
    else if (char === ':' && !inBrackets) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

/** The length of a netmask, -1 when its ones are not all in front. */
function maskLength(text: string): number {
  const mask = parseIp(text);
  if (mask === undefined || mask.family !== 4 || text.includes(':')) return -1;
  const ones = Math.clz32(~mask.word3);
  return mask.word3 === (ones === 0 ? 0 : (-1 << (32 - ones)) >>> 0) ? ones : -1;
}

/** `131.155.`: all addresses with these first octets. */
function readLeadingOctets(text: string): Cidr | undefined {
  const octets = scanOctets(text, 0);
  // Three octets at most, each written as a number, and the dot at the end.
  if (octets === undefined || octets.bits === 32 || octets.end !== text.length) return undefined;
  const missing = '.0'.repeat(4 - octets.bits / 8);
  const result = parseCidr(`${text}${missing}/${octets.bits}`);
  return result.ok ? result.cidr : undefined;
}

function readClient(client: string, output: AddressOutput): Cidr | undefined {
  if (client.endsWith('.')) {
    const cidr = readLeadingOctets(client.slice(0, -1));
    if (cidr === undefined) output.problem('skipped', 'not-an-address', client);
    return cidr;
  }
  const close = client.startsWith('[') ? client.indexOf(']') : -1;
  let text = close < 0 ? client : client.slice(1, close) + client.slice(close + 1);
  const slash = text.indexOf('/');
  if (slash >= 0 && text.indexOf('.', slash) >= 0) {
    const length = maskLength(text.slice(slash + 1));
    text = length < 0 ? text : `${text.slice(0, slash)}/${length}`;
  }
  const result = parseCidr(text);
  if (result.ok) {
    if (result.hostBitsSet) output.problem('taken', 'host-bits', client);
    return result.cidr;
  }
  // A host name, `.domain`, `@netgroup`, `user@host`, `/file`, or a pattern with `*` and `?`.
  const isNumber = /^[\d.[]/.test(client) && !client.startsWith('.');
  output.problem('skipped', isNumber ? result.reason : 'unsupported', client);
  return undefined;
}

/**
 * hosts_access(5), as it is used in hosts.deny: `daemons : clients : options`, the first line that matches decides. Clients
 * are addresses, `131.155.` (leading octets), `net/mask`, `net/length` and `[IPv6]/length`; host names, wildcards and
 * `EXCEPT` are reported. The daemons are the reason and do not matter otherwise; a last option `ALLOW` or `DENY` is the
 * action.
 */
export function hostsDenyFormat(): AddressFormat {
  const decided = new SeenPrefixes();
  /** A line that ends with a backslash goes on in the next one. */
  let begun = '';

  function rule(text: string, output: AddressOutput): void {
    const [daemons = '', clients, ...options] = splitColons(text);
    if (daemons === '' || clients === undefined || clients === '') {
      output.problem('skipped', 'malformed', text);
      return;
    }
    const names = clients.split(/[\s,]+/);
    const limited = daemons.includes('@') || daemons.split(/[\s,]+/).includes('EXCEPT');
    // Without its exceptions a line would say more than it does.
    if (limited || names.includes('EXCEPT')) {
      output.problem('skipped', 'unsupported', text);
      return;
    }
    const last = options.at(-1)?.toUpperCase();
    const action = last === 'ALLOW' ? 'allow' : last === 'DENY' ? 'block' : output.action;
    for (const name of names) {
      if (name === '') continue;
      if (WORDS.has(name)) {
        output.problem('skipped', 'unsupported', name);
        continue;
      }
      const cidr = readClient(name, output);
      if (cidr === undefined || decided.covers(cidr)) continue;
      decided.add(cidr);
      output.add(cidr, action, daemons);
    }
  }

  return {
    line(text, output) {
      if (begun === '' && (text.trim() === '' || text.startsWith('#'))) return;
      // Asked of this line only: the whole would be put together anew for each line that continues it.
      if (text.endsWith('\\') && begun.length + text.length < MAX_LENGTH) {
        begun += text.slice(0, -1);
        return;
      }
      const whole = begun + text;
      begun = '';
      rule(whole, output);
    },
    end(output) {
      if (begun !== '') output.problem('skipped', 'malformed', begun);
    },
  };
}

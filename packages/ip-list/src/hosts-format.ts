import { type IpAddress, parseIp } from '@postern/core';
import { splitComment } from './commented-line.ts';
import { readName } from './domain-text.ts';
import type { DomainFormat } from './line-format.ts';

/** The names that such files begin with, so that the machine still finds itself. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'local',
  'broadcasthost',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
  '0.0.0.0',
]);

/** Where a name is sent that is to lead nowhere: 0.0.0.0, 127.0.0.1, :: and ::1. */
function isSink({ family, word0, word1, word2, word3 }: IpAddress): boolean {
  if (family === 4) return word3 === 0 || word3 === 0x7f000001;
  return word0 === 0 && word1 === 0 && word2 === 0 && word3 <= 1;
}

/**
 * hosts(5), as blocklists use it: `0.0.0.0 bad.example other.example # comment`, each name for itself alone. Lines that
 * give a name another address than none or this machine's are reported. The comment is the reason.
 */
export function hostsFormat(): DomainFormat {
  return {
    line(text, output) {
      const { content, comment } = splitComment(text);
      if (content === '') return;
      const [address = '', ...all] = content.split(/\s+/);
      const names = all.filter((each) => !OWN_NAMES.has(each.toLowerCase()));
      if (all.length > 0 && names.length === 0) return;
      const ip = parseIp(address);
      if (ip === undefined) output.problem('skipped', 'not-an-address', content);
      else if (all.length === 0) output.problem('skipped', 'malformed', content);
      else if (!isSink(ip)) output.problem('skipped', 'unsupported', content);
      else {
        for (const each of names) {
          const name = readName(each, output);
          if (name !== undefined) output.add(name, output.action, comment);
        }
      }
    },
  };
}

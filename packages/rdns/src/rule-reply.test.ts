import { isPermanentReply, isTransientReply } from '@postern/core';
import { describe, expect, it } from 'vitest';
import type { ReverseDnsRule } from './reverse-dns-rule.ts';
import { defaultRules } from './reverse-dns-rule.ts';
import { deferReply, rejectReply } from './rule-reply.ts';

function isRule(name: string): name is ReverseDnsRule {
  return Object.hasOwn(defaultRules, name);
}

describe('the replies', () => {
  it.each(Object.keys(defaultRules).filter(isRule))('of %s are replies that say what to do', (rule) => {
    const [rejected, deferred] = [rejectReply(rule), deferReply(rule)];
    expect(isPermanentReply(rejected)).toBe(true);
    expect(isTransientReply(deferred)).toBe(true);
    expect(rejected.enhanced.slice(2)).toBe(deferred.enhanced.slice(2));
    expect(rejected.text).toMatch(/\. \S.*\.$|: .*\.$/);
  });
});

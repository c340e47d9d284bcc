import type { SpfCheck } from './spf-evaluation.ts';

const nothing = {
  sender: 'ann@example.org',
  ip: '192.0.2.1',
  heloName: 'client.example',
  record: undefined,
  matched: undefined,
  explanation: undefined,
  problem: undefined,
  lookupTerms: 0,
  voidLookups: 0,
  lookups: [],
} as const;

/** What a check came to that found no record of the HELO identity, and asked nothing. */
export function spfOf(result: SpfCheck['result'], domain = 'example.org'): SpfCheck {
  const evaluation = { ...nothing, result, identity: 'mailfrom', domain } as const;
  return { ...evaluation, helo: { ...nothing, result: 'none', identity: 'helo', domain: 'client.example' } };
}

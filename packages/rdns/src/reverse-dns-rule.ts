import type { OptionReader } from '@postern/core';

/**
 * What a rule of {@link reverseDns} speaks of.
 *
 * When the client connects:
 * - `noReverseName`: no PTR record, or none with a host name
 * - `notConfirmed`: no PTR name leads back to the client
 * - `genericName`: the name looks like one that a provider gives to every address
 * - `reverseUnknown`: the lookup failed
 *
 * At HELO, see `HeloFault`:
 * - `heloSyntax`, `heloLiteral` (an address literal that is not the client's), `heloOwnName` (our own name or address),
 *   `heloLocalhost`, `heloNotQualified`, `heloUnresolvable`, `heloMismatch`, `heloUnknown` (a lookup failed)
 * - `heloNotReverseName`: the name is none of the client's confirmed reverse names
 *
 * At MAIL FROM, see `SenderDomainStatus`:
 * - `senderNullMx`, `senderNonexistent`, `senderNoMailHost`, `senderUnusable`, `senderMalformed`, `senderUnknown`
 * - `senderOwnAddress`: mail to the domain comes to this server, as for a domain of one's own
 */
export type ReverseDnsRule =
  | 'noReverseName'
  | 'notConfirmed'
  | 'genericName'
  | 'reverseUnknown'
  | 'heloSyntax'
  | 'heloLiteral'
  | 'heloOwnName'
  | 'heloLocalhost'
  | 'heloNotQualified'
  | 'heloUnresolvable'
  | 'heloMismatch'
  | 'heloUnknown'
  | 'heloNotReverseName'
  | 'senderNullMx'
  | 'senderNonexistent'
  | 'senderNoMailHost'
  | 'senderOwnAddress'
  | 'senderUnusable'
  | 'senderMalformed'
  | 'senderUnknown';

/** What a rule does with the mail that it speaks of; `ignore`: it is a fact in the report. */
export type RuleVerdict = 'reject' | 'defer' | 'quarantine' | 'ignore';

/** A rule in full. */
export interface RulePolicy {
  /** Default: what the rule does by default; `ignore` for a rule that is only to score. */
  readonly verdict?: RuleVerdict;
  /** Added to the transaction's score. From -1,000,000 to 1,000,000. Default: what the rule scores by default. */
  readonly score?: number;
  /** Report what the rule would do, and do nothing. Default `false`. */
  readonly dryRun?: boolean;
}

/** The rules, each with a verdict, or with what else a rule can have. What is not named keeps its default. */
export type RulePolicies = Partial<Readonly<Record<ReverseDnsRule, RuleVerdict | RulePolicy>>>;

/** Every rule with all it has. */
export type Rules = Readonly<Record<ReverseDnsRule, Required<RulePolicy>>>;

const MAX_SCORE = 1_000_000;

const verdicts: readonly RuleVerdict[] = ['reject', 'defer', 'quarantine', 'ignore'];

function policy(verdict: RuleVerdict, score = 0): Required<RulePolicy> {
  return { verdict, score, dryRun: false };
}

/**
 * What a rule does when nobody says otherwise. Refused is only what no honest sender does. RFC 5321 §4.1.4: mail is not
 * refused because a HELO name does not lead to the client. What failed to be looked up is held against nobody.
 */
export const defaultRules: Rules = {
  noReverseName: policy('reject'),
  notConfirmed: policy('ignore', 1),
  genericName: policy('ignore', 1),
  reverseUnknown: policy('ignore'),
  heloSyntax: policy('reject'),
  heloLiteral: policy('reject'),
  heloOwnName: policy('reject'),
  heloLocalhost: policy('reject'),
  heloNotQualified: policy('ignore', 1),
  heloUnresolvable: policy('ignore', 1),
  heloMismatch: policy('ignore'),
  heloUnknown: policy('ignore'),
  heloNotReverseName: policy('ignore'),
  senderNullMx: policy('reject'),
  senderNonexistent: policy('reject'),
  senderNoMailHost: policy('reject'),
  senderOwnAddress: policy('ignore'),
  senderUnusable: policy('reject'),
  senderMalformed: policy('reject'),
  senderUnknown: policy('ignore'),
};

function isRule(name: string): name is ReverseDnsRule {
  return Object.hasOwn(defaultRules, name);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isVerdict(value: unknown): value is RuleVerdict {
  return verdicts.some((verdict) => verdict === value);
}

/** Reads the option `rules`. */
export function readRules(read: OptionReader): Rules {
  const given = read.value('rules', isObject, 'an object of rules');
  const rules: Record<ReverseDnsRule, Required<RulePolicy>> = { ...defaultRules };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!isRule(name)) {
      const names = Object.keys(defaultRules).join(', ');
      throw new TypeError(`reverseDns: option "rules" has no rule ${JSON.stringify(name)}; it has ${names}`);
    }
    if (value === undefined) continue;
    if (isVerdict(value)) {
      rules[name] = { ...defaultRules[name], verdict: value };
      continue;
    }
    rules[name] = readPolicy(name, value);
  }
  return rules;
}

function readPolicy(rule: ReverseDnsRule, value: unknown): Required<RulePolicy> {
  const byDefault = defaultRules[rule];
  const owner = `reverseDns: option "rules", rule ${JSON.stringify(rule)}`;
  if (!isObject(value)) {
    throw new TypeError(`${owner} must be ${verdicts.map((each) => JSON.stringify(each)).join(', ')} or an object`);
  }
  for (const key of Object.keys(value)) {
    if (key !== 'verdict' && key !== 'score' && key !== 'dryRun') {
      throw new TypeError(`${owner} has no ${JSON.stringify(key)}; it takes "verdict", "score", "dryRun"`);
    }
  }
  const { verdict = byDefault.verdict, score = byDefault.score, dryRun = byDefault.dryRun } = value;

  if (!isVerdict(verdict)) throw new TypeError(`${owner}: "verdict" must be one of ${verdicts.join(', ')}`);
  if (typeof score !== 'number') throw new TypeError(`${owner}: "score" must be a number`);
  // `NaN` is not within either. The sum of what several rules score has to be a number, too.
  if (!(Math.abs(score) <= MAX_SCORE)) {
    throw new RangeError(`${owner}: "score" must be from -${MAX_SCORE} to ${MAX_SCORE}`);
  }
  if (typeof dryRun !== 'boolean') throw new TypeError(`${owner}: "dryRun" must be true or false`);
  return { verdict, score, dryRun };
}

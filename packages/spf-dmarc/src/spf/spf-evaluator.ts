import {
  type Cidr,
  cidrContains,
  type DnsAnswer,
  type DnsFailure,
  type DnsRecords,
  type IpAddress,
  isSubdomainOf,
  networkOf,
  type RecordType,
  reverseName,
  toDnsName,
} from '@postern/core';
import { shownText } from '../shown-text.ts';
import { ClientNames } from './client-names.ts';
import { type DomainSpec, expandDomainSpec } from './domain-spec.ts';
import { liesIn } from './lies-in.ts';
import type { SpfDeadline } from './spf-deadline.ts';
import type { SpfEvaluation, SpfMatch } from './spf-evaluation.ts';
import { expandExplanation, readExplanation } from './spf-explanation.ts';
import { type Frame, type LeadingTerm, matchOf, type Step, show } from './spf-frame.ts';
import { SpfLookups } from './spf-lookups.ts';
import { type MacroValues, usesMacro } from './spf-macro.ts';
import {
  type AddressTerm,
  type ExistsTerm,
  isSpfRecord,
  type PtrTerm,
  type SpfDirective,
  type SpfRecord,
  type SpfTerm,
} from './spf-record.ts';
import { sharedRecords } from './spf-record-cache.ts';
import type { SpfResult } from './spf-result.ts';
import { isAscii, type SpfClient, type SpfSender } from './spf-sender.ts';
import type { SpfSettings } from './spf-settings.ts';

/** A mechanism that asks DNS for something else than a record. */
type AskingTerm = AddressTerm | PtrTerm | ExistsTerm;

/** `check_host()` (RFC 7208 §4) for one identity of one client. To be run once. */
export class SpfEvaluator {
  readonly #settings: SpfSettings;
  readonly #deadline: SpfDeadline;
  readonly #lookups: SpfLookups;
  readonly #client: SpfClient;
  readonly #ip: IpAddress;
  readonly #sender: SpfSender;
  #terms = 0;
  /** Where the evaluation is; once it is decided, the first record or one that it redirects to. */
  #frame: Frame | undefined = undefined;
  #result: SpfResult | undefined = undefined;
  #matched: SpfMatch | undefined = undefined;
  #explanation: string | undefined = undefined;
  #problem: string | undefined = undefined;
  #record: string | undefined = undefined;
  #names: ClientNames | undefined = undefined;
  /** The client's names for `%{p}`, asked for once. */
  #clientNames: readonly string[] | undefined = undefined;

  constructor(settings: SpfSettings, deadline: SpfDeadline, client: SpfClient, sender: SpfSender) {
    this.#settings = settings;
    this.#deadline = deadline;
    this.#lookups = new SpfLookups(settings.resolver, deadline);
    this.#client = client;
    this.#ip = client.ip;
    this.#sender = sender;
  }

  /** Evaluates, and calls `done` when {@link evaluation} has all of it. */
  run(done: () => void): void {
    // A resolver must neither reject nor answer rubbish, but it may be anybody's. A result that is there stays.
    const fail = (): void => {
      this.#end('temperror', 'The resolver failed.');
      done();
    };
    const explain = (): void => {
      if (this.#result === 'fail') this.#explain().then(done, fail);
      else done();
    };
    this.#decide().then(explain, fail);
  }

  /** What is known now: the whole evaluation when it is through, `temperror` before. */
  evaluation(): SpfEvaluation {
    const { identity, domain, mailbox } = this.#sender;
    return {
      result: this.#result ?? 'temperror',
      identity,
      domain,
      sender: mailbox,
      ip: this.#client.text,
      heloName: this.#client.helo,
      record: this.#record,
      matched: this.#matched,
      explanation: this.#explanation,
      problem: this.#result === undefined ? this.#lateness() : this.#problem,
      lookupTerms: this.#terms,
      voidLookups: this.#lookups.voids,
      lookups: this.#lookups.log,
    };
  }

  #lateness(): string {
    if (this.#deadline.over === 'aborted') return 'The check was given up before it was through.';
    return `There was no result within ${this.#settings.timeoutMs} ms.`;
  }

  /** The first result counts. */
  #end(result: SpfResult, problem?: string): undefined {
    if (this.#result !== undefined) return;
    this.#result = result;
    this.#problem = problem;
  }

  /** Evaluates until there is a result. One loop for all records, since each level of calls would cost a promise. */
  async #decide(): Promise<void> {
    if (this.#sender.problem !== undefined) return this.#end('none', this.#sender.problem);
    let { domain } = this.#sender;
    let step: Step | undefined;
    let parent: Frame | undefined;
    for (;;) {
      const answer = await this.#lookups.resolve(domain, 'TXT');
      this.#lookups.note(domain, 'TXT', 'record', step === undefined ? 0 : 1, answer);
      const record = this.#selectRecord(domain, step, answer);
      if (record === undefined) return;
      this.#frame = { domain, record, step, parent, next: 0 };

      for (;;) {
        const term = this.#walk(this.#frame);
        if (term === undefined) return;
        const frame: Frame = this.#frame;
        if (!this.#countTerm(frame.domain, term)) return;
        if (term.kind === 'include' || term.kind === 'redirect') {
          const spec = term.domain;
          const target = spec.kind === 'name' ? spec.name : await this.#expand(spec, frame.domain);
          if (this.#result !== undefined) return;
          // RFC 7208 §4.3, §5.2, §6.1: a malformed name and one of a single label have no record, and here that is an error.
          if (!target?.includes('.')) {
            return this.#end('permerror', `${show(frame.domain, term)} leads to no domain.`);
          }
          step = { domain: frame.domain, term, before: frame.step };
          parent = term.kind === 'redirect' ? frame.parent : frame;
          domain = target;
          break;
        }
        const hit = await this.#matches(term, frame.domain);
        if (this.#result !== undefined) return;
        const next = hit ? this.#match(frame, term) : frame;
        if (next === undefined) return;
        this.#frame = next;
      }
    }
  }

  /** The record among the TXT records (RFC 7208 §4.5), read; none, several and unreadable ones end the evaluation. */
  #selectRecord(domain: string, step: Step | undefined, answer: DnsAnswer<'TXT'>): SpfRecord | undefined {
    if (answer.kind === 'failure') {
      return this.#end('temperror', `The SPF record of ${domain} could not be looked up (${answer.reason}).`);
    }
    let text: string | undefined;
    let count = 0;
    if (answer.kind === 'records') {
      for (const record of answer.records) {
        if (!isSpfRecord(record)) continue;
        text = record;
        count++;
      }
    }
    if (text === undefined) {
      const lack = answer.kind === 'nxdomain' ? 'does not exist' : 'publishes no SPF record';
      if (step === undefined) return this.#end('none', `${domain} ${lack}.`);
      // RFC 7208 §5.2 and §6.1: where a term leads to, there has to be a record.
      return this.#end('permerror', `${show(step.domain, step.term)} leads to ${domain}, which ${lack}.`);
    }
    if (count > 1) return this.#end('permerror', `${domain} publishes ${count} SPF records, where one is allowed.`);
    if (step === undefined) this.#record = text;
    const reading = sharedRecords().read(text);
    if (reading.ok) return reading.record;
    const { term, problem } = reading;
    return this.#end('permerror', `The term "${shownText(term)}" in the SPF record of ${domain} is wrong: ${problem}.`);
  }

  /** Goes on to the next term that needs DNS, and to the record where it stands; `undefined` when there is a result before. */
  #walk(from: Frame): AskingTerm | LeadingTerm | undefined {
    const { family, word3: bits } = this.#ip;
    let frame: Frame | undefined = from;
    while (frame !== undefined) {
      const directive: SpfDirective | undefined = frame.record.directives[frame.next];
      if (directive === undefined) {
        const { redirect } = frame.record;
        if (redirect === undefined) {
          // RFC 7208 §4.7: neutral, and as such no match for an include.
          if (frame.parent === undefined) return this.#end('neutral');
          frame = frame.parent;
          continue;
        }
        this.#frame = frame;
        return redirect;
      }
      frame.next++;
      switch (directive.kind) {
        case 'all':
          frame = this.#match(frame, directive);
          break;
        case 'ip4':
          // Most terms of most records: one comparison for each.
          if (((directive.bits ^ bits) & directive.mask) === 0 && family === 4) frame = this.#match(frame, directive);
          break;
        case 'ip6':
          if (cidrContains(directive.network, this.#ip)) frame = this.#match(frame, directive);
          break;
        default:
          if (this.#cannotMatch(directive.domain)) break;
          this.#frame = frame;
          return directive;
      }
    }
    return undefined;
  }

  /** A term matches: where the evaluation goes on, or `undefined` with the result. */
  #match(frame: Frame, directive: SpfDirective): Frame | undefined {
    let result: SpfResult = directive.qualifier;
    let decided = frame;
    while (decided.parent !== undefined) {
      const { parent }: Frame = decided;
      // RFC 7208 §5.2: an include matches when the record that it names passes; otherwise the next term's turn has come.
      if (result !== 'pass') return parent;
      result = parent.record.directives[parent.next - 1]?.qualifier ?? result;
      decided = parent;
    }
    this.#matched = matchOf(frame, directive);
    this.#frame = decided;
    return this.#end(result);
  }

  /** RFC 7208 §4.6.4: so many terms may ask DNS. */
  #countTerm(domain: string, term: SpfTerm): boolean {
    if (this.#takeTerm()) return true;
    this.#end(
      'permerror',
      `${show(domain, term)} is one lookup more than the ${this.#settings.maxLookupTerms} allowed.`,
    );
    return false;
  }

  #takeTerm(): boolean {
    if (this.#terms >= this.#settings.maxLookupTerms) return false;
    this.#terms++;
    return true;
  }

  /** Whether the term matches; meaningless when there is a result by then. */
  async #matches(term: AskingTerm, domain: string): Promise<boolean> {
    const spec = term.domain;
    const target = spec === undefined ? domain : spec.kind === 'name' ? spec.name : await this.#expand(spec, domain);
    // RFC 7208 §4.8 leaves open what a name that cannot be asked comes to: it has no addresses.
    if (target === undefined || this.#result !== undefined) return false;
    switch (term.kind) {
      case 'a':
        return this.#hasAddress(term, target);
      case 'mx':
        return this.#hasExchanger(term, target);
      case 'ptr':
        return this.#hasName(target);
      default:
        // RFC 7208 §5.7: "The lookup type is A even when the connection type is IPv6."
        return this.#isThere(await this.#lookups.ask(target, 'A', 'mechanism', 1), target);
    }
  }

  /** Whether DNS has what the term asked for; ends the evaluation when DNS fails, or has had nothing too often. */
  #isThere<T extends RecordType>(answer: DnsAnswer<T>, name: string): answer is DnsRecords<T> {
    if (answer.kind === 'records') return true;
    if (answer.kind === 'failure') this.#failed(name, answer);
    else if (this.#lookups.voids > this.#settings.maxVoidLookups) {
      const problem = `More than ${this.#settings.maxVoidLookups} terms ask for names that have nothing in DNS, ${name} last.`;
      this.#end('permerror', problem);
    }
    return false;
  }

  #failed(name: string, { reason }: DnsFailure): void {
    this.#end('temperror', `${name}, which the SPF record asks for, could not be looked up (${reason}).`);
  }

  /** All addresses that lie in one network with the client. */
  #near({ ip4Length, ip6Length }: AddressTerm): Cidr {
    const prefixLength = this.#ip.family === 4 ? ip4Length : ip6Length;
    return { network: networkOf(this.#ip, prefixLength), prefixLength };
  }

  /** RFC 7208 §5: "When any mechanism fetches host addresses to compare with <ip>", it asks for those of its family. */
  get #addressType(): 'A' | 'AAAA' {
    return this.#ip.family === 4 ? 'A' : 'AAAA';
  }

  /** `a` (RFC 7208 §5.3). */
  async #hasAddress(term: AddressTerm, target: string): Promise<boolean> {
    const answer = await this.#lookups.ask(target, this.#addressType, 'mechanism', 1);
    return this.#isThere(answer, target) && liesIn(answer.records, this.#near(term));
  }

  /** `mx` (RFC 7208 §5.4). The addresses of all exchangers are asked for at once: each of them may be. */
  async #hasExchanger(term: AddressTerm, target: string): Promise<boolean> {
    const answer = await this.#lookups.ask(target, 'MX', 'mechanism', 1);
    if (!this.#isThere(answer, target)) return false;
    const { maxMxHosts } = this.#settings;
    if (answer.records.length > maxMxHosts) {
      // RFC 7208 §4.6.4: 'If this limit is exceeded, the "mx" mechanism MUST produce a "permerror" result.'
      const problem = `${target} has ${answer.records.length} mail exchangers, where SPF allows ${maxMxHosts}.`;
      this.#end('permerror', problem);
      return false;
    }
    // A null MX (RFC 7505) has no host, and neither has a name that cannot be asked.
    const hosts = new Set(answer.records.flatMap(({ exchange }) => toDnsName(exchange) || []));
    const near = this.#near(term);
    const found = await Promise.all(
      Array.from(hosts, (host) => this.#lookups.ask(host, this.#addressType, 'mx-address', 0)),
    );
    // The exchangers have no order here, so that one that matches counts whatever becomes of the others.
    if (found.some((each) => each.kind === 'records' && liesIn(each.records, near))) return true;
    for (const each of found) if (each.kind === 'failure') this.#failed(`A mail exchanger of ${target}`, each);
    return false;
  }

  #namesOfClient(): ClientNames {
    this.#names ??= new ClientNames(this.#ip, this.#lookups, this.#settings.maxPtrNames);
    return this.#names;
  }

  /** `ptr` (RFC 7208 §5.5). Only names that would match are confirmed. */
  async #hasName(target: string): Promise<boolean> {
    const clientNames = this.#namesOfClient();
    const answer = await clientNames.ask('mechanism', 1);
    // "If a DNS error occurs while doing the PTR RR lookup, then this mechanism fails to match."
    if (answer.kind === 'failure' || !this.#isThere(answer, reverseName(this.#ip))) return false;
    const fitting = clientNames.in(answer).filter((name) => name === target || isSubdomainOf(name, target));
    return (await clientNames.confirm(fitting)).length > 0;
  }

  /** RFC 8616 §4: a local part beyond ASCII can be part of no name, so that terms with `%{s}` and `%{l}` match nothing. */
  #cannotMatch(spec: DomainSpec | undefined): boolean {
    return spec?.kind === 'macro' && spec.usesLocalPart && !isAscii(this.#sender.localPart);
  }

  /** The name that a domain-spec with macros stands for; `undefined` when DNS cannot be asked for it. */
  async #expand(spec: DomainSpec, domain: string): Promise<string | undefined> {
    if (this.#cannotMatch(spec)) return undefined;
    const usesPtr = spec.kind === 'macro' && spec.usesPtr;
    return expandDomainSpec(spec, this.#values(domain, usesPtr ? await this.#validatedName(domain) : ''));
  }

  #values(domain: string, validatedName: string): MacroValues {
    const { mailbox, localPart, writtenDomain } = this.#sender;
    const { receiver, clock } = this.#settings;
    return {
      ip: this.#ip,
      sender: mailbox,
      localPart,
      senderDomain: writtenDomain,
      domain,
      validatedName,
      helo: this.#client.helo || 'unknown',
      receiver,
      now: clock.now(),
    };
  }

  /** The macro `p` (RFC 7208 §7.3). Its query counts as that of a term (§4.6.4), once, as long as there is no result. */
  async #validatedName(domain: string): Promise<string> {
    const clientNames = this.#namesOfClient();
    if (this.#clientNames === undefined) {
      const cost = this.#result === undefined ? 1 : 0;
      if (cost === 1 && !this.#takeTerm()) {
        this.#end('permerror', `The macro "%{p}" of ${domain} is one lookup more than SPF allows.`);
        return '';
      }
      this.#clientNames = clientNames.in(await clientNames.ask('ptr', cost));
    }
    return clientNames.choose(this.#clientNames, domain);
  }

  /** RFC 7208 §6.2: whatever is wrong with an explanation, then there is none. It counts towards no limit (§4.6.4). */
  async #explain(): Promise<void> {
    const exp = this.#frame?.record.exp;
    const domain = this.#frame?.domain;
    if (exp === undefined || domain === undefined) return;
    const target = await this.#expand(exp.domain, domain);
    if (target === undefined) return;
    const answer = await this.#lookups.ask(target, 'TXT', 'explanation', 0);
    if (answer.kind !== 'records' || answer.records.length !== 1) return;
    const parts = readExplanation(answer.records.join(''));
    if (parts === undefined) return;
    const validatedName = usesMacro(parts, 'p') ? await this.#validatedName(domain) : '';
    this.#explanation = expandExplanation(parts, this.#values(domain, validatedName));
  }
}

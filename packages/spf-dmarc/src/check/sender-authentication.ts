import {
  type Check,
  type CheckRun,
  formatIp,
  type HeaderEdit,
  type HeaderFields,
  isResolver,
  type MessageSink,
  type Opinion,
  OptionReader,
  type Report,
  type Resolver,
  type Session,
  type Transaction,
  type Verdict,
} from '@postern/core';
import { bimiFields } from '../message/bimi-fields.ts';
import { ContentJudge, contentMethodResults } from '../message/content-judge.ts';
import { type ContentOptions, type ContentSettings, readContentSettings } from '../message/content-settings.ts';
import { runSpfCheck } from '../spf/check-spf.ts';
import { formatReceivedSpf } from '../spf/received-spf.ts';
import type { SpfCheck } from '../spf/spf-evaluation.ts';
import { spfMethodResults } from '../spf/spf-method-results.ts';
import { traced } from '../spf/spf-tracing.ts';
import { type DmarcVerdict, judgeDmarc, verdictOf } from './judge-dmarc.ts';
import { judgeSpf } from './judge-spf.ts';
import { messageFinding, spfFinding } from './sender-finding.ts';
import type { SenderFindings } from './sender-findings.ts';
import { readSenderPolicy, type SenderPolicy, type SenderPolicyOptions } from './sender-policy.ts';
import type { SenderResult } from './sender-result.ts';
import { scoreOf } from './sender-score.ts';

/** How {@link senderAuthentication} asks, and what it makes of the answers. */
export interface SenderAuthenticationOptions extends ContentOptions, SenderPolicyOptions {
  /** The check's name in reports. Default `sender-authentication`. */
  readonly name?: string;
  /** Who asks DNS. Default: the gateway's resolver. */
  readonly resolver?: Resolver;
  /**
   * This server's host name, under which each message gets a `Received-SPF` field (RFC 7208 §9.1). Default: it gets none, as
   * `Authentication-Results` says the same.
   */
  readonly receivedSpf?: string;
  /**
   * Called for each message that was judged, when it is known what became of it: for reports to domain owners. What it
   * throws is the gateway's to note; a promise is not waited for.
   */
  readonly onResult?: (result: SenderResult) => void;
}

/** Everything but the resolver. */
interface SenderSettings {
  readonly policy: SenderPolicy;
  readonly receivedSpf: string | undefined;
  readonly onResult: ((result: SenderResult) => void) | undefined;
}

const DEFAULT_NAME = 'sender-authentication';
const hostName = /^[!-~]{1,255}$/;

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isHostName(value: unknown): value is string {
  return typeof value === 'string' && hostName.test(value);
}

function isListener(value: unknown): value is (result: SenderResult) => void {
  return typeof value === 'function';
}

/**
 * Authenticates senders: SPF (RFC 7208) at MAIL FROM, DKIM (RFC 6376) while the message streams by, DMARC (RFC 9989) when
 * it is there; ARC and BIMI if asked for. Clients that have logged in or stand in a trusted network are not judged.
 *
 * By default it
 *
 * - quarantines what fails DMARC under a policy that asks for rejection or quarantine (RFC 9989 §7.4: nobody is to reject
 *   for a policy alone), and messages without one author whose policy could be looked up
 * - defers (451) where DNS failed and the result hangs on it
 * - refuses nothing for SPF alone
 *
 * All of that are options. Every result goes into the gateway's one `Authentication-Results` and into the report, each
 * deviation from a published policy with its reason in the words of RFC 9990.
 *
 * Memory is that of the header, whatever the size of the message; queries, signatures and time are bounded.
 *
 * @throws TypeError or RangeError that names the option; Error that names the package when `arc` or `bimi` is set and
 * `mailauth` is not installed
 *
 * @example
 * ```ts
 * import { DmarcLocalPolicy, senderAuthentication } from '@postern/spf-dmarc';
 *
 * const check = senderAuthentication({
 *   localPolicy: new DmarcLocalPolicy([{ type: 'mailing_list', authenticatedDomains: ['lists.example.org'] }]),
 *   onReject: ({ header }) => (header.first('list-id') === undefined ? 'reject' : 'quarantine'),
 * });
 * ```
 */
export function senderAuthentication(options: SenderAuthenticationOptions = {}): Check {
  const read = new OptionReader('senderAuthentication', options);
  const name = read.value('name', isName, 'a name') ?? DEFAULT_NAME;
  const own = read.value('resolver', isResolver, 'a Resolver');
  const contentFor = readContentSettings(read, 'senderAuthentication');
  const settings: SenderSettings = {
    policy: readSenderPolicy(read),
    receivedSpf: read.value('receivedSpf', isHostName, 'a host name'),
    onResult: read.value('onResult', isListener, 'a function'),
  };
  read.done();
  return {
    name,
    cost: 'network',
    appliesTo: 'strangers',
    start: (session, { resolver }) => new SenderRun(session, contentFor(own ?? resolver), settings),
  };
}

/** What is found out about one session's transactions. */
class SenderRun implements CheckRun {
  readonly #session: Session;
  readonly #content: ContentSettings;
  readonly #settings: SenderSettings;
  readonly #client: string;
  /** By the transaction's id, from MAIL FROM on. A session has one transaction at a time. */
  #spf: { readonly id: string; readonly check: SpfCheck } | undefined;
  #judged: Omit<SenderResult, 'outcome'> | undefined;

  constructor(session: Session, content: ContentSettings, settings: SenderSettings) {
    const { client } = session;
    this.#session = session;
    this.#content = content;
    this.#settings = settings;
    this.#client = client.ip === undefined ? client.address : formatIp(client.ip);
  }

  async mail(transaction: Transaction, signal: AbortSignal): Promise<Opinion> {
    const { policy, receivedSpf } = this.#settings;
    const check = await this.#checkSpf(transaction, signal);
    const headerEdits: readonly HeaderEdit[] =
      receivedSpf === undefined
        ? []
        : [{ action: 'add', name: 'Received-SPF', value: formatReceivedSpf(check, { receiver: receivedSpf }) }];
    return {
      finding: spfFinding(check),
      authResults: spfMethodResults(check),
      ...(headerEdits.length > 0 && { headerEdits }),
      ...scoreOf([policy.scores.spf?.[check.result]]),
      ...judgeSpf(check, policy, this.#isForwarder()),
    };
  }

  message(transaction: Transaction): MessageSink {
    const judge = new ContentJudge(this.#content);
    const gone = new AbortController();
    let header: HeaderFields | undefined;
    return {
      header(fields) {
        header = fields;
        judge.header(fields);
      },
      write: (chunk) => judge.write(chunk),
      end: async () => {
        if (header === undefined) throw new TypeError('senderAuthentication: there was no header');
        return this.#judge(transaction, header, judge, gone.signal);
      },
      abort() {
        gone.abort();
        judge.abort();
      },
    };
  }

  report({ id, outcome }: Report): void {
    const judged = this.#judged;
    if (judged?.id !== id) return;
    this.#judged = undefined;
    this.#settings.onResult?.({ ...judged, outcome });
  }

  async #checkSpf(transaction: Transaction, signal: AbortSignal): Promise<SpfCheck> {
    const { id, reversePath } = transaction;
    if (this.#spf?.id === id) return this.#spf.check;
    const input = { ip: this.#client, helo: this.#session.helo ?? '', mailFrom: reversePath.address };
    const check = await traced(input, () => runSpfCheck(input, this.#content.spf, signal));
    this.#spf = { id, check };
    return check;
  }

  /** Whether a rule says of every message of this client that it is not held against its author. */
  #isForwarder(): boolean {
    const nothing = { spfAligned: false, dkimAligned: false, spf: undefined, dkim: [] };
    const { localPolicy } = this.#content;
    return localPolicy?.rulingOn({ authorDomain: undefined, alignment: nothing }, this.#client)?.disposition === 'none';
  }

  async #judge(
    transaction: Transaction,
    header: HeaderFields,
    judge: ContentJudge,
    signal: AbortSignal,
  ): Promise<Opinion> {
    const { policy } = this.#settings;
    // Known since MAIL FROM, unless the check was left out then.
    const spf = await this.#checkSpf(transaction, signal);
    // What is asked for stays visible; what is done is decided here.
    const content = await judge.end(spf, 'reject', signal);
    const { dkim, dmarc, arc, bimi } = content;
    const findings: SenderFindings = { transaction, header, spf, dkim, dmarc, ...(arc && { arc }) };
    const verdict = await judgeDmarc(findings, policy, content.ruling);
    this.#remember(findings, verdict, content.bimi);
    const headerEdits = bimi === undefined ? [] : bimiFields(header);
    return {
      finding: messageFinding(findings, verdict, bimi),
      authResults: contentMethodResults(content, this.#client),
      ...(headerEdits.length > 0 && { headerEdits }),
      ...scoreOf([policy.scores.dkim?.[bestOf(findings)], policy.scores.dmarc?.[dmarc.result]]),
      ...verdictOf(verdict.action, findings),
    } satisfies Opinion & Verdict;
  }

  #remember(
    { transaction, spf, dkim, dmarc, arc }: SenderFindings,
    { disposition, overrides }: DmarcVerdict,
    bimi: SenderResult['bimi'],
  ): void {
    const { id, startedAt, reversePath, recipients } = transaction;
    this.#judged = {
      id,
      startedAt,
      ip: this.#client,
      helo: this.#session.helo ?? '',
      mailFrom: reversePath.address,
      recipientDomains: [...new Set(recipients.map(({ domain }) => domain))],
      spf,
      dkim,
      dmarc,
      ...(arc && { arc }),
      ...(bimi && { bimi }),
      disposition,
      overrides,
    };
  }
}

/** The word of the signature that says most for the message. */
function bestOf({ dkim }: SenderFindings): SenderFindings['dkim'][number]['result'] {
  return dkim.find(({ result }) => result === 'pass')?.result ?? dkim[0]?.result ?? 'none';
}

import {
  type Check,
  type Finding,
  OptionReader,
  type Path,
  type PermanentReply,
  type RecipientOpinion,
  type Report,
} from '@postern/core';
import { readCheckName } from './check-name.ts';
import { type ClientBanOptions, ClientBans, isStranger } from './client-bans.ts';
import { TrapAddresses } from './trap-addresses.ts';

/** What a client that names a trap is told. */
export type TrapAnswer = 'reject' | 'permit' | 'quarantine' | 'report';

/** Which addresses are traps, and what becomes of whoever sends to them. */
export interface SpamTrapOptions extends ClientBanOptions {
  /**
   * The traps: addresses that no subscriber ever had, such as those that stand on a web page for nobody to see. One `*` in
   * the local part stands for any text: `trap@example.com`, `*@old.example.com`, `list-*@example.com`. Letter case does not
   * matter. `postmaster` is never one.
   */
  readonly addresses: readonly string[];
  /** Milliseconds that a client is listed, from its last such mail on: 1,000 to 31,536,000,000. Default 86,400,000: a day. */
  readonly banMs?: number;
  /** The check's name in reports, and the `source` of its entries. Default `spam-traps`. */
  readonly name?: string;
  /**
   * - `reject`: 550 5.1.1, as of any mailbox that is not there;
   * - `permit`: the recipient is permitted unless another check refuses it, so that `relayAcl` must know its domain; the
   *   message goes to the backend, which must have a mailbox for it;
   * - `quarantine`: the same, and the message is marked, for its other recipients too;
   * - `report`: others say what becomes of the recipient.
   *
   * Default `reject`.
   */
  readonly answer?: TrapAnswer;
  /**
   * Whether the null reverse-path counts too. A forger who uses a trap as the sender makes honest servers send it bounces,
   * and ask whether it exists. Default `false`.
   */
  readonly nullSenders?: boolean;
}

const YEAR_MS = 31_536_000_000;
const DAY_MS = 86_400_000;

/** What evidence names at most, and how long an address in it is. */
const MOST_NAMED = 10;
const LONGEST_ADDRESS = 320;

/** RFC 3463 §3.2: bad destination mailbox address. In the words that `relayAcl` has for it, so that nobody tells a trap by them. */
const noSuchMailbox: PermanentReply = {
  code: 550,
  enhanced: '5.1.1',
  text: 'There is no mailbox with that address here. Check the address.',
};

/** A trap that was named in the transaction. */
interface Hit {
  readonly recipient: string;
  readonly pattern: string;
}

function opinionOf(answer: TrapAnswer, { recipient, pattern }: Hit): RecipientOpinion {
  const summary = `The recipient ${recipient} is a spam trap.`;
  const finding: Finding = { kind: 'ip-list/spam-trap', summary, recipient, pattern };
  switch (answer) {
    case 'reject':
      return { finding, verdict: 'reject', reply: noSuchMailbox };
    case 'permit':
      return { finding, permit: 'local' };
    case 'quarantine':
      return { finding, permit: 'local', verdict: 'quarantine' };
    case 'report':
      return { finding };
  }
}

/**
 * Lists clients that send to addresses which nobody ever had: a `Check`. Beside it an `ipList` of the same list turns them
 * away.
 *
 * To name a trap in RCPT is enough, whatever becomes of the recipient and of the transaction; the client is listed when the
 * transaction ends. Another mail to a trap lists it anew. Clients of trusted networks, those that logged in, those of
 * `ignore`, and, see `nullSenders`, those that send bounces are never listed.
 *
 * The entry's `evidence` has the traps, the reverse-path, the HELO name and the transaction's id; its `reason` names no trap,
 * so that it may be told. An entry that people made for the very prefix is left as it is. What came of a ban is told to
 * `onBan` and on the channel `postern.ip-list.ban`; a list that fails never disturbs the mail.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { IpList, ipList, spamTraps } from '@postern/ip-list';
 *
 * const bans = new IpList();
 * const checks = [ipList(bans), spamTraps({ addresses: ['sales-2009@example.com'], list: bans, banMs: 7 * 86_400_000 })];
 * ```
 */
export function spamTraps(options: SpamTrapOptions): Check {
  const read = new OptionReader('spamTraps', options);
  const name = readCheckName(read, 'spam-traps');
  const traps = new TrapAddresses(read);
  const bans = new ClientBans(read);
  const banMs = read.integer('banMs', DAY_MS, { min: 1_000, max: YEAR_MS });
  const answer = read.oneOf('answer', ['reject', 'permit', 'quarantine', 'report'], 'reject');
  const nullSenders = read.boolean('nullSenders', false);
  read.done();

  return {
    name,
    cost: 'local',
    start(session, { clock }) {
      const ip = bans.addressOf(session);
      let hits: Hit[] = [];
      return {
        recipient(_transaction, path: Path) {
          const pattern = traps.match(path);
          if (pattern === undefined) return undefined;
          const hit = { recipient: path.address.slice(0, LONGEST_ADDRESS), pattern };
          if (hits.length < MOST_NAMED) hits.push(hit);
          return opinionOf(answer, hit);
        },
        ...(ip !== undefined && {
          report(report: Report) {
            const named = hits;
            hits = [];
            const { reversePath, id } = report;
            if (named.length === 0 || reversePath === undefined || !isStranger(session, report)) return;
            if (reversePath === '' && !nullSenders) return;
            const { helo } = report.session;
            void bans.add({
              check: name,
              ip,
              reason: 'Sent to a spam trap',
              evidence: {
                traps: named.map(({ recipient }) => recipient),
                reversePath: reversePath.slice(0, LONGEST_ADDRESS),
                ...(helo !== undefined && { helo: helo.slice(0, LONGEST_ADDRESS) }),
                report: id,
              },
              expiresAt: clock.now() + banMs,
            });
          },
        }),
      };
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type Awaitable, andThen, type Check, type CheckRun, errorText, isPending, type Stage } from '@postern/core';
import { checkFailure } from './check-failure.ts';
import { disregard } from './disregard.ts';
import type { GatewayHouse } from './gateway-house.ts';
import { type HeardOpinion, isForStrangers } from './heard-opinion.ts';
import type { OpinionLedger } from './opinion-ledger.ts';
import type { SessionFacts } from './session-facts.ts';
import { type ActiveCheck, CLIENT_GONE, runStage } from './stage-runner.ts';

/** A question to the session's checks. */
export interface StageRequest {
  readonly stage: Stage;
  /** The recipient asked about, at stage `recipient`. */
  readonly recipient?: string | undefined;
  readonly ask: (active: ActiveCheck, signal: AbortSignal) => unknown;
  /** Whether what was heard so far leaves a network check nothing to decide. */
  readonly moot: (check: Check) => boolean;
  /** Where the opinions go, as they are heard. */
  readonly into: OpinionLedger;
}

/** What the checks said at one stage. */
export interface StageSummary {
  /** The client went away meanwhile. */
  readonly gone: boolean;
  readonly heard: readonly HeardOpinion[];
}

const NOTHING_SAID: StageSummary = { gone: false, heard: [] };

/** The checks at work on one session. */
export class SessionChecks {
  readonly #house: GatewayHouse;
  readonly #facts: SessionFacts;
  readonly #active: readonly ActiveCheck[];
  /** Those of them that have something to say at a stage. */
  readonly #at: Readonly<Record<Stage, readonly ActiveCheck[]>>;
  readonly #gone = new AbortController();
  /** What the last stage had no use for: at most of them every check answers at once. */
  #spare: AbortController | undefined;

  /** @param ledger - where checks that cannot be started are noted: they defer */
  constructor(house: GatewayHouse, facts: SessionFacts, ledger: OpinionLedger) {
    this.#house = house;
    this.#facts = facts;
    const local: ActiveCheck[] = [];
    const network: ActiveCheck[] = [];
    for (const check of house.settings.checks) {
      const run = this.#start(check, ledger);
      if (run !== undefined) (check.cost === 'local' ? local : network).push({ check, run });
    }
    this.#active = [...local, ...network];
    const at = (stage: Stage): readonly ActiveCheck[] => this.#active.filter(({ run }) => run[stage] !== undefined);
    this.#at = {
      connect: at('connect'),
      helo: at('helo'),
      authenticate: at('authenticate'),
      mail: at('mail'),
      recipient: at('recipient'),
      message: at('message'),
      refusal: at('refusal'),
    };
  }

  get active(): readonly ActiveCheck[] {
    return this.#active;
  }

  /** Those that have something to say at the stage. */
  at(stage: Stage): readonly ActiveCheck[] {
    return this.#at[stage];
  }

  /** Fires when the client is gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether there is someone to judge a login. */
  get judgesLogins(): boolean {
    return this.#at.authenticate.length > 0;
  }

  /** Whether the check has nothing to say of a client that is known. */
  leavesOut(check: Check): boolean {
    return this.#facts.known && isForStrangers(check);
  }

  ask({ stage, recipient, ask, moot, into }: StageRequest): Awaitable<StageSummary> {
    const checks = this.#at[stage];
    if (checks.length === 0) return NOTHING_SAID;
    const { checkAll, stageTimeoutMs, clock } = this.#house.settings;
    const heard: HeardOpinion[] = [];
    const controller = this.#spare ?? new AbortController();
    this.#spare = undefined;
    const end = runStage({
      stage,
      recipient,
      checks,
      ask,
      skips: ({ check }) => this.leavesOut(check) || (!checkAll && check.cost !== 'local' && moot(check)),
      hears: (each) => {
        heard.push(each);
        into.add(each);
        // The checks behind it in this very stage know already.
        if (each.opinion.trust === true) this.#facts.trusted = true;
      },
      controller,
      timeoutMs: stageTimeoutMs,
      clock,
      gone: this.#gone.signal,
    });
    if (!isPending(end) && !controller.signal.aborted) this.#spare = controller;
    return andThen(end, (how) => ({ gone: how === 'gone', heard }));
  }

  /** Lets the time pass for which the opinions hold the reply back: the longest of them, within `maxDelayMs`. */
  holdBack(heard: readonly HeardOpinion[]): Awaitable<void> {
    let delayMs = 0;
    for (const { opinion, strangersOnly } of heard) {
      if (opinion.delayMs !== undefined && !(strangersOnly && this.#facts.known)) {
        delayMs = Math.max(delayMs, opinion.delayMs);
      }
    }
    const bounded = Math.min(delayMs, this.#house.settings.maxDelayMs);
    if (bounded === 0 || this.#gone.signal.aborted) return;
    return sleep(bounded, undefined, { signal: this.#gone.signal, ref: false }).catch(() => {});
  }

  /** The client is gone. */
  leave(): void {
    this.#gone.abort(CLIENT_GONE);
  }

  /** Tells the checks that the session is over. */
  close(): void {
    for (const { check, run } of this.#active) {
      if (run.close !== undefined)
        this.#house.bystanders.call(`close() of the check ${check.name}`, () => run.close?.());
    }
  }

  /** A check that cannot be started might have refused: it defers. */
  #start(check: Check, ledger: OpinionLedger): CheckRun | undefined {
    const fail = (reason: 'threw' | 'rubbish', detail: string): undefined => {
      const opinion = checkFailure(check, 'connect', reason, detail);
      const strangersOnly = isForStrangers(check);
      ledger.add({ check: check.name, stage: 'connect', recipient: undefined, strangersOnly, opinion, durationMs: 0 });
    };
    try {
      const run: unknown = check.start(this.#facts, this.#house.context);
      if (run === undefined || isCheckRun(run)) return run;
      disregard(run);
      return fail('rubbish', 'start() returned something that is no run of a check');
    } catch (error) {
      return fail('threw', errorText(error));
    }
  }
}

const HOOKS: readonly (keyof CheckRun)[] = [
  'connect',
  'helo',
  'authenticate',
  'mail',
  'recipient',
  'message',
  'refusal',
  'report',
  'close',
];

/** Something else than a run, a promise of one for instance, would be a check that silently judges nothing. */
function isCheckRun(value: unknown): value is CheckRun {
  if (typeof value !== 'object' || value === null || isPending(value)) return false;
  const hooks = HOOKS.map((name): unknown => Reflect.get(value, name)).filter((hook) => hook !== undefined);
  return hooks.every((hook) => typeof hook === 'function') && (hooks.length > 0 || Object.keys(value).length === 0);
}

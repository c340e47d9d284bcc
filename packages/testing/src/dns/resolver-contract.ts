import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { Awaitable, RecordData, RecordType, Resolver } from '@postern/core';
import type { ContractCase } from '../contract-case.ts';
import {
  expectFailure,
  expectFrozenFailure,
  expectRecords,
  expectTtl,
  recordsOf,
  unexpected,
} from './answer-assertions.ts';
import { contractZone } from './contract-zone.ts';
import { Zone } from './zone.ts';

/** A resolver that is ready to answer from the zone it was started with. */
export interface ContractResolver {
  readonly resolver: Resolver;
  /** Called when the case is over. */
  close?(): Awaitable<void>;
}

/** What an implementation can know. Default `true` throughout; what it cannot know it is not asked for. */
export interface ResolverAbilities {
  /** `false`: any whole number of seconds will do. */
  readonly ttl?: boolean;
  /** TTLs of absences. Default: as `ttl`. */
  readonly negativeTtl?: boolean;
  /** `false`: `authentic` must be `false` throughout. */
  readonly authentic?: boolean;
  /** `false`: `canonicalName` must be absent. */
  readonly canonicalName?: boolean;
  /** `false`: TXT octets outside ASCII are not asked for. */
  readonly octets?: boolean;
}

/** What a case may ask of the implementation. */
interface Subject {
  readonly resolver: Resolver;
  readonly zone: Zone;
}

/**
 * What core's `Resolver` promises, as cases that any test runner runs.
 *
 * @param implementation - stands before each case's name
 * @param start - gives a new resolver over the zone; one that waits for servers should not wait long, since one name of
 *   the zone never answers
 *
 * @example
 * ```ts
 * const start = async (zone: Zone) => {
 *   const server = await DnsServer.start(zone);
 *   return { resolver: new DnsClient({ servers: [server.address], timeoutMs: 300 }), close: () => server.close() };
 * };
 * for (const { name, run } of resolverContract('DnsClient', start)) it(name, run);
 * ```
 */
export function resolverContract(
  implementation: string,
  start: (zone: Zone) => Awaitable<ContractResolver>,
  abilities: ResolverAbilities = {},
): readonly ContractCase[] {
  const { ttl = true, authentic = true, canonicalName = true, octets = true } = abilities;
  const can: Required<ResolverAbilities> = { ttl, negativeTtl: ttl, authentic, canonicalName, octets, ...abilities };
  const demands = new Map([...recordDemands(can), ...absenceDemands(can), ...failureDemands(), ...callerDemands()]);
  return [...demands].map(([name, check]) => ({
    name: `${implementation}: ${name}`,
    run: async () => {
      const zone = new Zone(contractZone);
      const started = await start(zone);
      try {
        await check({ resolver: started.resolver, zone });
      } finally {
        await started.close?.();
      }
    },
  }));
}

type Demand = readonly [name: string, check: (subject: Subject) => Promise<void>];

function* recordDemands(can: Required<ResolverAbilities>): Generator<Demand> {
  function records<T extends RecordType>(
    name: string,
    type: T,
    ttl: number,
    expected: readonly RecordData[T][],
  ): Demand {
    return [
      `answers ${name} ${type}`,
      async ({ resolver }) => {
        const answer = await resolver.resolve(name, type);
        expectRecords(answer, expected);
        expectTtl(answer.ttl, ttl, can.ttl);
        strictEqual(answer.authentic, false);
        strictEqual(answer.canonicalName, undefined);
      },
    ];
  }

  yield records('all.contract.test', 'A', 60, ['192.0.2.1', '192.0.2.2']);
  yield records('all.contract.test', 'AAAA', 60, ['2001:db8::1', '2001:db8:0:1::1']);
  yield records('all.contract.test', 'MX', 60, [
    { preference: 10, exchange: 'mx1.contract.test' },
    { preference: 20, exchange: 'mx2.contract.test' },
  ]);
  yield records('all.contract.test', 'PTR', 60, ['mail.contract.test', 'other.contract.test']);
  yield records('all.contract.test', 'SRV', 60, [
    { priority: 1, weight: 2, port: 587, target: 'submit.contract.test' },
  ]);
  yield records('all.contract.test', 'TLSA', 60, [{ usage: 3, selector: 1, matchingType: 1, data: 'ab'.repeat(32) }]);
  yield records('all.contract.test', 'CAA', 60, [
    { critical: false, tag: 'issue', value: 'ca.test; policy=ev' },
    { critical: true, tag: 'iodef', value: 'mailto:security@contract.test' },
  ]);
  yield records('contract.test', 'NS', 3600, ['ns.contract.test', 'ns2.contract.test']);
  yield records('contract.test', 'SOA', 3600, [
    {
      primary: 'ns.contract.test',
      mailbox: 'hostmaster.contract.test',
      serial: 7,
      refresh: 7200,
      retry: 3600,
      expire: 1209600,
      minimum: 900,
    },
  ]);
  // RFC 7505 §3: the null MX; RFC 2782: the service that is not there.
  yield records('null.contract.test', 'MX', 300, [{ preference: 0, exchange: '' }]);
  yield records('null.contract.test', 'SRV', 300, [{ priority: 0, weight: 0, port: 0, target: '' }]);
  yield records('www.contract.test', 'CNAME', 30, ['alias.contract.test']);
  yield records('_under.score.contract.test', 'A', 300, ['192.0.2.4']);
  yield records('x.y.wild.contract.test', 'TXT', 300, ['any']);
  yield records('ALL.Contract.TEST.', 'A', 60, ['192.0.2.1', '192.0.2.2']);

  yield [
    'joins the character-strings of each TXT record',
    async ({ resolver }) => {
      const answer = await resolver.resolve('text.contract.test', 'TXT');
      expectRecords(answer, ['v=spf1 ip4:192.0.2.0/24 -all', 'say "so"; \\ or not', 'x'.repeat(600)]);
    },
  ];
  if (can.octets) {
    yield [
      'gives each octet of a TXT record as one latin1 character',
      async ({ resolver }) => {
        expectRecords(await resolver.resolve('octets.contract.test', 'TXT'), ['\u0000\u0080\u00ff', 'gr\u00c3\u00bcn']);
      },
    ];
  }
  yield [
    'gives answers that are longer than a datagram whole',
    async ({ resolver }) => {
      const expected = Array.from({ length: 250 }, (_, index) => `192.0.2.${index}`);
      expectRecords(await resolver.resolve('many.contract.test', 'A'), expected);
    },
  ];
  yield [
    'follows CNAME records and says where they led; the least TTL counts',
    async ({ resolver }) => {
      const answer = await resolver.resolve('WWW.contract.test', 'A');
      expectRecords(answer, ['192.0.2.1', '192.0.2.2']);
      expectTtl(answer.ttl, 30, can.ttl);
      strictEqual(answer.canonicalName, can.canonicalName ? 'all.contract.test' : undefined);
    },
  ];
  yield [
    'says what validated',
    async ({ resolver }) => {
      const answer = await resolver.resolve('signed.contract.test', 'A');
      expectRecords(answer, ['192.0.2.6']);
      strictEqual(answer.authentic, can.authentic);
    },
  ];
}

function* absenceDemands(can: Required<ResolverAbilities>): Generator<Demand> {
  function absent(kind: 'nodata' | 'nxdomain', name: string, type: RecordType, why: string, ttl = 900): Demand {
    return [
      `${kind}: ${why}`,
      async ({ resolver }) => {
        const answer = await resolver.resolve(name, type);
        strictEqual(answer.kind, kind);
        expectTtl(answer.ttl, ttl, can.negativeTtl);
        strictEqual(answer.authentic, can.authentic && name.startsWith('signed.'));
        ok(Object.isFrozen(answer), 'the answer must be frozen');
      },
    ];
  }

  yield absent('nodata', 'all.contract.test', 'NS', 'a name without records of the type');
  yield absent('nodata', 'signed.contract.test', 'AAAA', 'a validated absence');
  yield absent('nodata', 'empty.contract.test', 'A', 'a name that only has names below it');
  yield absent('nodata', 'x.wild.contract.test', 'A', 'a wildcard without records of the type');
  yield absent('nodata', 'www.contract.test', 'NS', 'a CNAME to a name without records of the type', 30);
  yield absent('nxdomain', 'nowhere.contract.test', 'A', 'a name that does not exist');
  yield absent('nxdomain', 'dangling.contract.test', 'A', 'a CNAME to a name that does not exist', 300);
}

function* failureDemands(): Generator<Demand> {
  for (const reason of ['timeout', 'servfail', 'refused'] as const) {
    yield [
      `failure: ${reason}`,
      async ({ resolver }) => expectFailure(await resolver.resolve(`${reason}.contract.test`, 'A'), reason),
    ];
  }
  yield [
    'failure: CNAME records in a circle',
    async ({ resolver }) => expectFailure(await resolver.resolve('loop.contract.test', 'A'), 'servfail', 'malformed'),
  ];
  const names = {
    'an empty label': 'a..contract.test',
    'an empty label in front': '.contract.test',
    'two dots at the end': 'contract.test..',
    'a label of 64 octets': `${'x'.repeat(64)}.contract.test`,
    'a name of 254 octets': `${'x.'.repeat(126)}xx`,
    'a tab': 'a\tb.contract.test',
    'a NUL': 'a\0.contract.test',
    'a line feed': 'contract.test\n',
    'a letter outside ASCII': 'gr\u00fcn.contract.test',
  };
  for (const [what, name] of Object.entries(names)) {
    yield [
      `failure: a name with ${what} is malformed`,
      async ({ resolver }) => expectFailure(await resolver.resolve(name, 'A'), 'malformed'),
    ];
  }
  yield [
    'takes names as long as names can be',
    async ({ resolver, zone }) => {
      const labels = ['x'.repeat(63), 'y'.repeat(63), 'z'.repeat(63), 'w'.repeat(47), 'contract.test'];
      const name = labels.join('.');
      strictEqual(name.length, 253);
      zone.set(name, { A: '192.0.2.8' });
      expectRecords(await resolver.resolve(name, 'A'), ['192.0.2.8']);
    },
  ];
}

function* callerDemands(): Generator<Demand> {
  yield [
    'rejects only for a mistake in the program, with a TypeError',
    async ({ resolver }) => {
      const misuse: readonly (readonly unknown[])[] = [
        [undefined, 'A'],
        [1, 'A'],
        ['contract.test', 'a'],
        ['contract.test', 'SPF'],
        ['contract.test', 'toString'],
        ['contract.test', 'A', 'fresh'],
        ['contract.test', 'A', { signal: 'now' }],
      ];
      for (const args of misuse) {
        await rejects(async () => Reflect.apply(resolver.resolve, resolver, args), TypeError, JSON.stringify(args));
      }
    },
  ];
  yield [
    'gives frozen answers: a caller cannot change what the next one gets',
    async ({ resolver }) => {
      const answer = await resolver.resolve('all.contract.test', 'MX');
      if (answer.kind !== 'records') return unexpected(answer);
      throws(
        () => Reflect.apply(Array.prototype.push, answer.records, [{ preference: 1, exchange: 'evil.test' }]),
        TypeError,
      );
      ok(
        [answer, answer.records, ...answer.records].every(Object.isFrozen),
        'the answer must be frozen, records included',
      );
      deepStrictEqual(await resolver.resolve('all.contract.test', 'MX').then(recordsOf), recordsOf(answer));
      expectFrozenFailure(await resolver.resolve('a..b', 'A'));
    },
  ];
  yield [
    'answers many questions at once, each with its own answer',
    async ({ resolver }) => {
      const hosts = Array.from({ length: 50 }, (_, index) => `h${index}.wild.contract.test`);
      const answers = await Promise.all([
        ...hosts.map((host) => resolver.resolve(host, 'TXT')),
        ...hosts.map((host) => resolver.resolve(host, 'A')),
      ]);
      deepStrictEqual(
        answers.map(({ kind }) => kind),
        [...hosts.map(() => 'records'), ...hosts.map(() => 'nodata')],
      );
    },
  ];
  yield [
    'asks anew when the caller wants a fresh answer',
    async ({ resolver, zone }) => {
      expectRecords(await resolver.resolve('signed.contract.test', 'A'), ['192.0.2.6']);
      zone.set('signed.contract.test', { A: '192.0.2.66' });
      expectRecords(await resolver.resolve('signed.contract.test', 'A', { fresh: true }), ['192.0.2.66']);
    },
  ];
  yield [
    'an abort before the question is failure/aborted',
    async ({ resolver }) => {
      const signal = AbortSignal.abort(new Error('the client is gone'));
      expectFailure(await resolver.resolve('all.contract.test', 'A', { signal }), 'aborted');
    },
  ];
  yield [
    'an abort during the question is failure/aborted, and ends nobody else’s',
    async ({ resolver }) => {
      const controller = new AbortController();
      const aborted = resolver.resolve('all.contract.test', 'TLSA', { signal: controller.signal });
      const others = resolver.resolve('all.contract.test', 'TLSA', { signal: new AbortController().signal });
      controller.abort();
      expectFailure(await aborted, 'aborted');
      strictEqual((await others).kind, 'records');
      strictEqual(getEventListeners(controller.signal, 'abort').length, 0);
    },
  ];
  yield [
    'leaves no listener on the signal of a finished question',
    async ({ resolver }) => {
      const { signal } = new AbortController();
      for (const name of ['all.contract.test', 'nowhere.contract.test', 'servfail.contract.test', 'a..b']) {
        await resolver.resolve(name, 'A', { signal });
      }
      strictEqual(getEventListeners(signal, 'abort').length, 0);
    },
  ];
}

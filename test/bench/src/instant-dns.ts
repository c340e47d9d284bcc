import type { DnsAnswer, RecordType, Resolver } from '@postern/core';

/** TXT records that are known at once, to the packages and to mailauth. */
export interface InstantDns {
  readonly resolver: Resolver;
  readonly mailauthResolver: (name: string) => Promise<string[][]>;
}

/** Answers are made before, so that a bench measures who asks and not who answers. Other names do not exist. */
export function instantDns(records: Readonly<Record<string, string>>): InstantDns {
  const absent: DnsAnswer = Object.freeze({ kind: 'nxdomain', ttl: 300, authentic: false });
  const texts = new Map(Object.entries(records));
  const answers = new Map(
    [...texts].map(([name, text]): [string, DnsAnswer<'TXT'>] => [
      name,
      Object.freeze({ kind: 'records', records: Object.freeze([text]), ttl: 300, authentic: false }),
    ]),
  );
  function resolve<T extends RecordType>(name: string): Promise<DnsAnswer<T>>;
  function resolve(name: string): Promise<DnsAnswer> {
    return Promise.resolve(answers.get(name) ?? absent);
  }
  async function mailauthResolver(name: string): Promise<string[][]> {
    const text = texts.get(name);
    if (text === undefined) throw Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' });
    return [[text]];
  }
  return { resolver: { resolve }, mailauthResolver };
}

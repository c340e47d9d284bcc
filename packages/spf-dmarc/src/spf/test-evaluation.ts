import type { DnsAnswer, RecordType, Resolver } from '@postern/core';
import { type ZoneData, ZoneResolver } from '@postern/testing';
import { checkSpfMailFrom, type SpfInput } from './check-spf.ts';
import type { SpfEvaluation } from './spf-evaluation.ts';
import type { SpfOptions } from './spf-settings.ts';

export const ann: SpfInput = { ip: '192.0.2.10', helo: 'mail.example.com', mailFrom: 'ann@example.com' };

/** What one record says about the client. */
export async function evaluate(
  record: string | readonly string[],
  zone: ZoneData = {},
  options: Omit<SpfOptions, 'resolver'> = {},
  input: Partial<SpfInput> = {},
): Promise<SpfEvaluation & { readonly asked: readonly string[] }> {
  const resolver = new ZoneResolver({ ...zone, 'example.com': { TXT: record, ...noText(zone['example.com']) } });
  const evaluation = await checkSpfMailFrom({ ...ann, ...input }, { ...options, resolver });
  return { ...evaluation, asked: evaluation.lookups.map(({ name, type }) => `${name} ${type}`) };
}

function noText(data: ZoneData[string] | undefined): object {
  return typeof data === 'object' ? data : {};
}

export function count<T>(length: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length }, (_, index) => make(index));
}

/** A resolver that is not what it should be. */
export function odd(resolve: (name: string, type: string, options?: object) => unknown): Resolver {
  return {
    resolve<T extends RecordType>(name: string, type: T, options: object): Promise<DnsAnswer<T>> {
      // @ts-expect-error it answers what it likes
      return resolve(name, type, options);
    },
  };
}

/** `MX` (RFC 1035 §3.3.9). The null MX of RFC 7505 has the exchange `''`. */
export interface MxRecord {
  readonly preference: number;
  readonly exchange: string;
}

/** `SOA` (RFC 1035 §3.3.13). Times are seconds, as on the wire. */
export interface SoaRecord {
  readonly primary: string;
  readonly mailbox: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** `SRV` (RFC 2782). The target `''` says that the service is not available here. */
export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** `TLSA` (RFC 6698 §2.1). `data` is the certificate association data in lower-case hexadecimal. */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly data: string;
}

/** `CAA` (RFC 8659 §4.1). */
export interface CaaRecord {
  readonly critical: boolean;
  readonly tag: string;
  readonly value: string;
}

/**
 * What a record of each type is given as. Names (PTR, CNAME, NS, and those inside MX, SOA and SRV) are in lower case and
 * without the trailing dot; the root is `''`.
 */
export interface RecordData {
  /** Dotted quad, `192.0.2.1`. */
  readonly A: string;
  /** RFC 5952 text, `2001:db8::1`. */
  readonly AAAA: string;
  /** One string a record: its character-strings joined (RFC 7208 §3.3), each byte one latin1 character. */
  readonly TXT: string;
  readonly MX: MxRecord;
  readonly PTR: string;
  readonly CNAME: string;
  readonly NS: string;
  readonly SOA: SoaRecord;
  readonly SRV: SrvRecord;
  readonly TLSA: TlsaRecord;
  readonly CAA: CaaRecord;
}

/** The record types that mail security asks for. */
export type RecordType = keyof RecordData;

/** The name exists, with records of the type. */
export interface DnsRecords<T extends RecordType> {
  readonly kind: 'records';
  readonly records: readonly RecordData[T][];
  /** Seconds for which the answer may be kept, from now. */
  readonly ttl: number;
  /** Validated by DNSSEC, and the answer came by a path on which nobody could set that bit himself. */
  readonly authentic: boolean;
  /** Where CNAME records led to, when they led anywhere. */
  readonly canonicalName?: string;
  /** The answer had expired and its servers could not be asked (RFC 8767). */
  readonly stale?: true;
}

/** `nodata`: the name exists without records of the type. `nxdomain`: the name does not exist. */
export interface DnsAbsence {
  readonly kind: 'nodata' | 'nxdomain';
  /** Seconds for which the absence may be kept (RFC 2308 §5). */
  readonly ttl: number;
  readonly authentic: boolean;
  readonly stale?: true;
}

/** Why nothing is known. `malformed` covers a name that cannot be asked as well as replies that cannot be read. */
export type DnsFailureReason = 'timeout' | 'servfail' | 'refused' | 'network' | 'malformed' | 'aborted';

/** Nothing is known: neither that the records exist nor that they do not. */
export interface DnsFailure {
  readonly kind: 'failure';
  readonly reason: DnsFailureReason;
  /** One sentence for a person. It never quotes the name that was asked for, which may hold a secret. */
  readonly detail: string;
}

/** One answer to one question. Frozen, records included: a caller cannot poison the cache. */
export type DnsAnswer<T extends RecordType = RecordType> = DnsRecords<T> | DnsAbsence | DnsFailure;

/** How to ask. */
export interface ResolveOptions {
  /** Ends this caller's wait with a `failure`/`aborted`; the lookups of others that were merged with it go on. */
  readonly signal?: AbortSignal;
  /** Ask the server even if the answer is in the cache. Default `false`. */
  readonly fresh?: boolean;
  /**
   * Accept an answer that expired at most so many milliseconds ago when the servers cannot be asked. DNS lists, keys and
   * TLSA records pass 0. Default: what the resolver was made with.
   */
  readonly staleMs?: number;
  /**
   * The name holds a secret, such as the query key of a DNS list: what a trace calls it instead, without what the answer
   * says. A name that is asked for in this way is not refreshed ahead of its expiry. Default: the name is no secret.
   */
  readonly shownAs?: string;
}

/**
 * One DNS question, one answer. The single door through which every package looks up names, so that one cache, one
 * in-flight table and one set of limits serve them all.
 *
 * It never rejects because of DNS: time-outs, refusals and malformed replies are answers of kind `failure`. Only a
 * programmer's mistake rejects (`TypeError`).
 *
 * @example
 * ```ts
 * const answer = await resolver.resolve('example.com', 'MX');
 * switch (answer.kind) {
 *   case 'records': return answer.records.map((mx) => mx.exchange);
 *   case 'nodata': case 'nxdomain': return [];
 *   case 'failure': throw new Error(`not known: ${answer.detail}`);
 * }
 * ```
 */
export interface Resolver {
  resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>>;
}

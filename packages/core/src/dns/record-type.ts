import type { RecordType } from './resolver.ts';

/** The numbers of the record types on the wire (IANA registry "Resource Record (RR) TYPEs"). */
export const RECORD_TYPE_CODES: Readonly<Record<RecordType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  TLSA: 52,
  CAA: 257,
};

// What the words of a host name say of the host: above 0 for "whoever has the address for now", below 0 for "fixed".

/** Such words stand in the names of dynamic pools and seldom in any other. */
const DYNAMIC = 2;
/** Providers put these in the names of all their customers. */
const CUSTOMER = 1;
/** The address belongs to this customer for good. */
const FIXED = -3;
/** Somebody named the host after what it does. */
const SERVICE = -2;

const words: readonly (readonly [number, string])[] = [
  [
    DYNAMIC,
    `dyn dynamic dynamicip dynip dyndsl dynadsl dsldyn adsldyn ddns dhcp dip dialup dial dialin dialer ppp pppoe pool pools
    dsl adsl xdsl vdsl dslb hdsl cable cablemodem modem modemcable catv docsis hsd hsi broadband ftth fttx gpon lightspeed
    unassigned unused wireless wimax mobile gprs umts lte`,
  ],
  [
    CUSTOMER,
    `res residential home cpe cust customer customers client clients dclient user users subscriber abo cm hfc fiber fios
    access rev ip host pc priv unknown nat bb retail inaddr telecom node bras cpc kd`,
  ],
  [FIXED, 'static staticip fixed fix business biz b2b corporate dedicated colo colocation leased'],
  [
    SERVICE,
    `mail mails email mx smtp smtps mta mailer mailout mailhost mailhub mailgw mailrelay relay out outbound outgoing
    mout bounce newsletter lists forward sender exchange postfix zimbra vps server srv web www ns`,
  ],
];

/** What each word counts. Made on first use. */
let points: ReadonlyMap<string, number> | undefined;

/** The points of a word in lower case; 0 for one that says nothing. */
export function wordPoints(word: string): number {
  points ??= new Map(words.flatMap(([each, list]) => list.split(/\s+/).map((name): [string, number] => [name, each])));
  return points.get(word) ?? 0;
}

/**
 * The DNS that the example carries with it, so that it needs no network: its own domain, a sender's domain, one that sends
 * nothing, and a blocklist that lists 127.0.0.66 (every loopback address can be a client's on this machine).
 */
export const demoZone = `
$TTL 300
$ORIGIN postern.example.
@           SOA  ns postmaster 1 3600 600 86400 60
@           NS   ns
@           MX   10 gateway
gateway     A    127.0.0.1

; A list must list its own test address and must not list 127.0.0.1 (RFC 5782 section 5).
2.0.0.127.dnsbl    A    127.0.0.2
2.0.0.127.dnsbl    TXT  "Test address of the list"
66.0.0.127.dnsbl   A    127.0.0.2
66.0.0.127.dnsbl   TXT  "Sent spam to a trap address on Friday"

$ORIGIN sender.example.
@           SOA  ns postmaster 1 3600 600 86400 60
@           MX   10 mail
@           TXT  "v=spf1 ip4:127.0.0.0/8 -all"
_dmarc      TXT  "v=DMARC1; p=reject"
mail        A    127.0.0.1

; A domain that sends no mail: whoever writes in its name is somebody else.
$ORIGIN bank.example.
@           SOA  ns postmaster 1 3600 600 86400 60
@           TXT  "v=spf1 -all"
_dmarc      TXT  "v=DMARC1; p=reject"
`;

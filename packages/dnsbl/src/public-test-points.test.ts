import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { DnsblZone } from './dnsbl-zone.ts';
import { abusixDomains, spamhausDbl, spamhausDblDqs, surblMulti, uriblMulti } from './public-domain-zones.ts';
import {
  abusixCombined,
  barracuda,
  dnswl,
  dronebl,
  mailspike,
  mailspikeAllow,
  psbl,
  spamcop,
  spamhausZen,
  spamhausZenDqs,
} from './public-zones.ts';
import { ZoneMonitor } from './zone-monitor.ts';

/** Each list, what stands for its test point in the query, and what its operator says that it answers. */
const testPoints: readonly (readonly [DnsblZone, string, string])[] = [
  [spamhausZen, '2.0.0.127.zen.spamhaus.org', '127.0.0.2'],
  [spamhausZenDqs('TheKey'), '2.0.0.127.thekey.zen.dq.spamhaus.net', '127.0.0.2'],
  [spamcop, '2.0.0.127.bl.spamcop.net', '127.0.0.2'],
  [psbl, '2.0.0.127.psbl.surriel.com', '127.0.0.2'],
  [barracuda, '2.0.0.127.b.barracudacentral.org', '127.0.0.2'],
  [dnswl, '2.0.0.127.list.dnswl.org', '127.0.10.0'],
  [abusixCombined('TheKey'), '2.0.0.127.thekey.combined.mail.abusix.zone', '127.0.0.2'],
  [spamhausDbl, 'dbltest.com.dbl.spamhaus.org', '127.0.1.2'],
  [spamhausDblDqs('TheKey'), 'dbltest.com.thekey.dbl.dq.spamhaus.net', '127.0.1.2'],
  [surblMulti, 'surbl-org-permanent-test-point.com.multi.surbl.org', '127.0.0.254'],
  [uriblMulti, 'test.uribl.com.multi.uribl.com', '127.0.0.14'],
];

/** Lists without a test point. */
const silent: readonly DnsblZone[] = [mailspike, mailspikeAllow, dronebl, abusixDomains('TheKey')];

async function probe(
  zone: DnsblZone,
  data: ConstructorParameters<typeof ZoneResolver>[0],
): Promise<object | undefined> {
  const [state] = await new ZoneMonitor({ zones: [zone], resolver: new ZoneResolver(data) }).probe();
  expect(JSON.stringify(state).toLowerCase()).not.toContain('thekey');
  return state;
}

describe('the test points of the public zones', () => {
  it.each(testPoints)('%o has one', async (zone, name, answer) => {
    expect(await probe(zone, { [name]: { A: answer } })).toMatchObject({ status: 'healthy' });
    expect(await probe(zone, {})).toMatchObject({ status: 'aside', reason: 'test-point-missing' });
  });

  it.each(silent)('$name has none, and is healthy as long as it does not list everything', async (zone) => {
    expect(await probe(zone, {})).toMatchObject({ status: 'healthy' });
  });

  it.each([...testPoints.map(([zone]) => zone), ...silent])(
    '$name is set aside when it lists everything',
    async (zone) => {
      // Whichever its codes are, these are among them.
      const codes = ['127.0.0.2', '127.0.1.2'];
      const key = zone.key === undefined ? '' : `${zone.key}.`;
      expect(await probe(zone, { [`*.${key}${zone.name}`]: { A: codes } })).toMatchObject({
        status: 'aside',
        reason: 'lists-everything',
      });
    },
  );
});

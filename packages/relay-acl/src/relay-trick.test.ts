import { describe, expect, it } from 'vitest';
import { parsePath } from './parse-path.ts';
import { RelayAcl } from './relay-acl.ts';
import type { RelayDecision } from './relay-decision.ts';
import { type RelayTrick, relayTricks, type TrickNames } from './relay-trick.ts';

const names: TrickNames = { ours: 'ours.example', victim: 'victim.example', ip: '198.51.100.25' };
const acl = new RelayAcl({ localDomains: [names.ours] });
const stranger = { ip: '203.0.113.9' };

function mailFromOf(trick: RelayTrick): string {
  return trick.mailFrom?.(names) ?? `<relay-test@${names.victim}>`;
}

/** What RelayAcl is asked about: what stands between the outer brackets, if there are any. */
function rawDecision(trick: RelayTrick): RelayDecision {
  const text = trick.rcptTo(names);
  const recipient = text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text;
  return acl.decide({ ...stranger, recipient, smtpUtf8: mailFromOf(trick).endsWith(' SMTPUTF8') });
}

describe('relayTricks', () => {
  it('names each trick once, and gives the reason of each in a line', () => {
    expect(relayTricks.length).toBeGreaterThan(150);
    expect(new Set(relayTricks.map(({ name }) => name)).size).toBe(relayTricks.length);
    for (const { name, why } of relayTricks) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(why).toMatch(/^[^\n]{10,150}\.$/);
    }
    const commands = relayTricks.map(
      (trick) => `${mailFromOf(trick)} ${trick.rcptTo(names)} ${trick.parameters?.(names)}`,
    );
    expect(new Set(commands).size).toBe(relayTricks.length);
  });

  it.each(relayTricks)('$name: a stranger gets $decides', (trick) => {
    expect(rawDecision(trick).reason).toBe(trick.decides);
  });

  it.each(relayTricks.filter(({ accepted }) => accepted === 'relay'))('$name is never taken', (trick) => {
    expect(rawDecision(trick).decision).toBe('deny');
    expect(trick.replies).not.toBe(250);
  });

  it.each(relayTricks)('$name: parsePath refuses it, or leaves the decision as it is', (trick) => {
    const sender = parsePath(mailFromOf(trick), { kind: 'reverse-path', smtpUtf8: true });
    if (!sender.ok) {
      expect([trick.name, sender.reason]).toEqual(['sender-without-domain', 'no-domain']);
      return;
    }
    const smtpUtf8 = sender.path.parameters['SMTPUTF8'] === true;
    const argument = [trick.rcptTo(names), trick.parameters?.(names) ?? ''].join(' ');
    const recipient = parsePath(argument, { kind: 'forward-path', smtpUtf8 });
    if (recipient.ok) {
      expect(acl.decide({ ...stranger, recipient: recipient.path.address, smtpUtf8 })).toEqual(rawDecision(trick));
    } else {
      expect(recipient.position).toBeLessThanOrEqual(argument.length);
    }
  });

  it.each(relayTricks)('$name: with routes ignored it is judged by the mailbox behind them', (trick) => {
    const smtpUtf8 = mailFromOf(trick).endsWith(' SMTPUTF8');
    const recipient = parsePath(trick.rcptTo(names), { kind: 'forward-path', smtpUtf8, sourceRoutes: 'ignore' });
    if (!recipient.ok) return expect(recipient.text).toMatch(/^[ -~]+\.$/);
    const { decision } = acl.decide({ ...stranger, recipient: recipient.path.address, smtpUtf8 });
    expect(decision).not.toBe('relay');
    if (decision === 'local') expect(trick.accepted).not.toBe('relay');
  });
});

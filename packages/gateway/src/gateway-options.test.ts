import { describe, expect, it } from 'vitest';
import { createGateway } from './gateway.ts';
import { bench, check, permits } from './test-bench.ts';

/** Options as JavaScript or a configuration file may give them. */
function make(options: Record<string, unknown>): () => unknown {
  const all = { hostname: 'mx.example.org', checks: [], deliver: () => {}, ...options };
  return () => Reflect.apply(createGateway, undefined, [all]);
}

const nothing = (): undefined => undefined;

describe('createGateway', () => {
  it.each([
    ['hostname', 7, TypeError],
    ['hostname', undefined, TypeError],
    ['hostname', 'not a name', RangeError],
    ['hostname', 'a\r\nb', RangeError],
    ['checks', 'relay-acl', TypeError],
    ['checks', undefined, TypeError],
    ['checks', [7], TypeError],
    ['checks', [{ name: 'a' }], TypeError],
    ['checks', [{ name: '', start: nothing }], TypeError],
    ['checks', [{ name: 'a', cost: 'cheap', start: nothing }], TypeError],
    ['checks', [{ name: 'a', appliesTo: 'me', start: nothing }], TypeError],
    ['checks', [{ name: 'a', guards: false, start: nothing }], TypeError],
    ['deliver', undefined, TypeError],
    ['deliver', { send: () => {} }, TypeError],
    ['resolver', {}, TypeError],
    ['store', {}, TypeError],
    ['clock', Date, TypeError],
    ['service', 'smtp', TypeError],
    ['thresholds', 5, TypeError],
    ['reject', { thresholds: { reject: '5' } }, TypeError],
    ['reject', { thresholds: { reject: Number.NaN } }, RangeError],
    ['spam', { thresholds: { spam: 5 } }, TypeError],
    ['enforceAt', 'data', TypeError],
    ['checkAll', 'yes', TypeError],
    ['postmasterAlwaysReachable', 1, TypeError],
    ['authservId', 'two words', RangeError],
    ['stageTimeoutMs', '5s', TypeError],
    ['stageTimeoutMs', 0, RangeError],
    ['stageTimeoutMs', 2 ** 31, RangeError],
    ['maxDelayMs', -1, RangeError],
    ['maxRecipients', 1.5, RangeError],
    ['maxRefusedRecipients', Number.POSITIVE_INFINITY, RangeError],
    ['maxTransactions', 0, RangeError],
    ['maxMessageBytes', '1 MB', TypeError],
    ['bareNewlines', 'allow', TypeError],
    ['spoolDirectory', 7, TypeError],
    ['onReport', 'console.log', TypeError],
    ['maxRecipient', 5, TypeError],
  ])('refuses %s = %j', (name, value, error) => {
    const options = name === 'reject' || name === 'spam' ? Object(value) : { [name]: value };
    expect(make(options)).toThrow(error);
    expect(make(options)).toThrow(name);
  });

  it('refuses two checks of one name, and one that takes its own', () => {
    expect(() => bench([permits, permits])).toThrow('two checks are called "permits"');
    expect(() => bench([check('gateway', {})])).toThrow(RangeError);
  });
});

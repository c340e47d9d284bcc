import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfiguration } from './configuration.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-configuration-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

describe('readConfiguration', () => {
  it('needs no word to run by itself', () => {
    expect(readConfiguration(undefined, {})).toMatchObject({
      listen: { host: '127.0.0.1', port: 2525 },
      localDomains: ['postern.example'],
      trustedNetworks: [],
      dns: 'embedded',
      dnsblZones: ['dnsbl.postern.example'],
      backend: 'embedded',
    });
  });

  it('reads a JSON file, and the environment over it', () => {
    const path = file(
      'gateway.json',
      JSON.stringify({ hostname: 'mx.example.com', localDomains: ['example.com'], backend: 'mail.example.com:25' }),
    );
    const env = {
      POSTERN_LOCAL_DOMAINS: 'example.org, .example.net',
      POSTERN_LISTEN: '[::1]:25',
      POSTERN_DNS: 'system',
    };
    expect(readConfiguration(path, env)).toMatchObject({
      hostname: 'mx.example.com',
      listen: { host: '::1', port: 25 },
      localDomains: ['example.org', '.example.net'],
      dns: 'system',
      // The embedded list says nothing about the world.
      dnsblZones: [],
      backend: { host: 'mail.example.com', port: 25 },
    });
  });

  it.each([
    [{ localDomains: 'example.com' }, /option "localDomains" must be a list of domains, got "example.com"/],
    [{ localDomain: ['example.com'] }, /unknown option "localDomain"/],
    [{ dns: 'google' }, /option "dns" must be one of "embedded", "system", got "google"/],
    [{ listen: '2525' }, /option "listen" must be "host:port", got "2525"/],
    [{ backend: 'mail:smtp' }, /option "backend" must be "host:port", got "mail:smtp"/],
    [['example.com'], /must hold a JSON object/],
  ])('refuses %j and says what it takes', (settings, message) => {
    expect(() => readConfiguration(file('wrong.json', JSON.stringify(settings)), {})).toThrow(message);
  });
});

import { afterEach, describe, expect, it, vi } from 'vitest';

const absent = Object.assign(new Error("Cannot find package 'mailauth'"), { code: 'ERR_MODULE_NOT_FOUND' });

afterEach(() => {
  vi.doUnmock('node:module');
  vi.resetModules();
});

/** The module as it finds itself where mailauth is not installed. */
async function withoutMailauth() {
  vi.resetModules();
  const resolve = (): never => {
    throw absent;
  };
  vi.doMock('node:module', () => ({ createRequire: () => ({ resolve }) }));
  return import('../check/sender-authentication.ts');
}

describe('without mailauth', () => {
  it.each([{ arc: true }, { bimi: true }])('says at once which package %o needs', async (options) => {
    const { senderAuthentication } = await withoutMailauth();
    const [name] = Object.keys(options);
    expect(() => senderAuthentication(options)).toThrow(
      `senderAuthentication: option "${name}" needs the package mailauth, which could not be loaded; run: npm install mailauth@7`,
    );
  });

  it('does everything else', async () => {
    const { senderAuthentication } = await withoutMailauth();
    expect(senderAuthentication().name).toBe('sender-authentication');
  });
});

describe('with mailauth', () => {
  it('loads it', async () => {
    const { loadMailauth, needMailauth } = await import('./load-mailauth.ts');
    expect(() => needMailauth('test', 'arc')).not.toThrow();
    expect(await loadMailauth('test', 'arc')).toMatchObject({ arc: expect.any(Function), bimi: expect.any(Function) });
  });
});

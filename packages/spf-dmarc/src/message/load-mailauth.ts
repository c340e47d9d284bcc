import { createRequire } from 'node:module';

/** What is used of the package `mailauth`. */
export type Mailauth = Pick<typeof import('mailauth'), 'arc' | 'bimi' | 'getARChain'>;

function absent(owner: string, option: string, cause: unknown): Error {
  return new Error(
    `${owner}: option ${JSON.stringify(option)} needs the package mailauth, which could not be loaded; run: npm install mailauth@7`,
    { cause },
  );
}

/**
 * Whether the optional peer is installed, which is a programmer's matter: asked when the object is made that needs it,
 * not when mail arrives. Loads nothing.
 *
 * @throws Error that names the option and the package to install
 */
export function needMailauth(owner: string, option: string): void {
  try {
    createRequire(import.meta.url).resolve('mailauth');
  } catch (cause) {
    throw absent(owner, option, cause);
  }
}

/**
 * Loads the optional peer, once for all: it brings 39 packages, so nobody who does not ask for ARC or BIMI loads them.
 *
 * @throws Error that names the option and the package to install
 */
export async function loadMailauth(owner: string, option: string): Promise<Mailauth> {
  try {
    return await import('mailauth');
  } catch (cause) {
    throw absent(owner, option, cause);
  }
}

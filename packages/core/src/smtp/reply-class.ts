import { isSmtpReply, type PermanentReply, type TransientReply } from './smtp-reply.ts';

// Records, not sets: the compiler finds a code that is missing here or that the types do not have.
const transientCodes: Readonly<Record<TransientReply['code'], true>> = {
  421: true,
  432: true,
  450: true,
  451: true,
  452: true,
  454: true,
  455: true,
  458: true,
  459: true,
};

const permanentCodes: Readonly<Record<PermanentReply['code'], true>> = {
  500: true,
  501: true,
  502: true,
  503: true,
  504: true,
  521: true,
  523: true,
  530: true,
  534: true,
  535: true,
  538: true,
  550: true,
  551: true,
  552: true,
  553: true,
  554: true,
  555: true,
  556: true,
};

/** Whether a value, of which nothing is known, is a reply that asks the client to try again later. */
export function isTransientReply(value: unknown): value is TransientReply {
  return isSmtpReply(value) && Object.hasOwn(transientCodes, value.code) && value.enhanced !== '';
}

/** Whether a value, of which nothing is known, is a reply that tells the client not to try again. */
export function isPermanentReply(value: unknown): value is PermanentReply {
  return isSmtpReply(value) && Object.hasOwn(permanentCodes, value.code) && value.enhanced !== '';
}

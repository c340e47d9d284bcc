/**
 * What a policy does with a message. `ignore`: nothing, it is a fact in the report; `quarantine`: it is taken and marked;
 * `defer`: the client is to come back (4yz); `reject`: it is refused (5yz).
 */
export type SenderAction = 'ignore' | 'quarantine' | 'defer' | 'reject';

/** What is done about something that will be the same when the client comes back. */
export type FinalAction = Exclude<SenderAction, 'defer'>;

/** What is done about something that may be otherwise when the client comes back. */
export type TransientAction = Exclude<SenderAction, 'reject'>;

export const finalActions: readonly FinalAction[] = ['ignore', 'quarantine', 'reject'];
export const transientActions: readonly TransientAction[] = ['ignore', 'quarantine', 'defer'];
export const senderActions: readonly SenderAction[] = [...finalActions, 'defer'];

export function isSenderAction(value: unknown): value is SenderAction {
  return senderActions.some((action) => action === value);
}

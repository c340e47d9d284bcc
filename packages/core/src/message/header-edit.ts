/**
 * A change that a check asks for in the header of the message that goes on. Fields are added on top, in the order of the
 * checks. `remove` without `index` removes every field of the name; `index` counts the fields of that name from the top,
 * from 0, in the header as the client sent it.
 */
export type HeaderEdit =
  | { readonly action: 'add'; readonly name: string; readonly value: string }
  | { readonly action: 'remove'; readonly name: string; readonly index?: number };

/**
 * Does the client’s name match its address and its HELO? Can the sender’s domain receive mail?
 *
 * @module
 */

export {};

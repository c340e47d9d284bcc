/**
 * How many connections, at once and per second, in total and per client? How many failed logins?.
 *
 * @module
 */

export {};

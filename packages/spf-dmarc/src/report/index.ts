/**
 * What receivers tell domain owners: aggregate reports (RFC 9990) and failure reports (RFC 9991), written and read.
 *
 * @module
 */

export {};

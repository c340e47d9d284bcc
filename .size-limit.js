/**
 * Bundled for Node with all dependencies, minified and compressed: what installing one package costs to load. About 50 kB
 * of `ip-list`, and of what imports it, is the Public Suffix List.
 */
const limits = {
  core: '38 kB',
  dnsbl: '20 kB',
  gateway: '66 kB',
  'ip-list': '72 kB',
  'rate-limiter': '18 kB',
  rdns: '12 kB',
  redis: '18 kB',
  'relay-acl': '72 kB',
  'spf-dmarc': '60 kB',
};

// An optional peer is loaded when asked for, and not bundled.
const forNode = (config) => ({
  ...config,
  platform: 'node',
  format: 'esm',
  external: [...(config.external ?? []), 'mailauth'],
});

export default [
  ...Object.entries(limits).map(([name, limit]) => ({
    name: `@postern/${name}`,
    path: `packages/${name}/dist/index.js`,
    limit,
    modifyEsbuildConfig: forNode,
  })),
  {
    name: '@postern/spf-dmarc/reports',
    path: 'packages/spf-dmarc/dist/reports.js',
    limit: '74 kB',
    modifyEsbuildConfig: forNode,
  },
  // Tree shaking works: who wants one function does not load the rest.
  {
    name: '@postern/core, only parseIp',
    path: 'packages/core/dist/index.js',
    import: '{ parseIp }',
    limit: '1 kB',
    modifyEsbuildConfig: forNode,
  },
];

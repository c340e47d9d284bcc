/**
 * Bundled for Node with all dependencies, minified and compressed: what installing one package costs to load. About 50 kB
 * of `ip-list`, and of what imports it, is the Public Suffix List.
 */
const limits = {
  core: '36 kB',
  dnsbl: '20 kB',
  gateway: '66 kB',
  'ip-list': '72 kB',
  'rate-limiter': '18 kB',
  rdns: '12 kB',
  redis: '18 kB',
  'relay-acl': '72 kB',
};

const forNode = (config) => ({ ...config, platform: 'node', format: 'esm' });

export default [
  ...Object.entries(limits).map(([name, limit]) => ({
    name: `@postern/${name}`,
    path: `packages/${name}/dist/index.js`,
    limit,
    modifyEsbuildConfig: forNode,
  })),
  // Tree shaking works: who wants one function does not load the rest.
  {
    name: '@postern/core, only parseIp',
    path: 'packages/core/dist/index.js',
    import: '{ parseIp }',
    limit: '1 kB',
    modifyEsbuildConfig: forNode,
  },
];

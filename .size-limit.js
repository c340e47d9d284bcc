/** Bundled for Node with all dependencies, minified and compressed: what installing one package costs to load. */
const limits = {
  core: '34 kB',
  dnsbl: '9 kB',
  gateway: '64 kB',
  'relay-acl': '6 kB',
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

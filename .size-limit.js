/** Bundled for Node with all dependencies, minified and compressed: what installing one package costs to load. */
const limits = {
  core: '60 kB',
  dnsbl: '60 kB',
  gateway: '120 kB',
  'relay-acl': '60 kB',
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
    limit: '2 kB',
    modifyEsbuildConfig: forNode,
  },
];

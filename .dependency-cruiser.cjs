/** Who may import whom: DESIGN §1. The rooms meet in Postgres, the log and the live bus, not in each other's code. */
const room = (name) => `^${name}/`;
const mayImport = (from, ...to) => ({
  name: `${from}-imports-only-${to.join('-') || 'itself'}`,
  comment: `${from} may import ${to.join(', ') || 'no other room'}`,
  severity: 'error',
  from: { path: room(from), pathNot: '\\.(test|conformance)\\.ts$' },
  to: { path: '^[^.][^/]*/', pathNot: [from, ...to].map(room).concat('node_modules'), dependencyTypesNot: ['core'] },
});

module.exports = {
  forbidden: [
    mayImport('domain'),
    mayImport('runtime', 'domain'),
    mayImport('prisma', 'domain', 'runtime'),
    mayImport('schema', 'domain'),
    mayImport('gateway', 'schema', 'prisma', 'runtime', 'domain'),
    mayImport('ingestors', 'schema/events', 'prisma', 'runtime', 'domain'),
    mayImport('client', 'domain'),
    {
      name: 'a-feed-stands-alone',
      comment: 'a feed imports no other feed and nothing of the pipeline',
      severity: 'error',
      from: { path: '^ingestors/feeds/([^/]+)/' },
      to: { path: '^ingestors/(pipeline/|feeds/)', pathNot: '^ingestors/feeds/$1/' },
    },
    {
      name: 'the-pipeline-knows-no-feed',
      severity: 'error',
      from: { path: '^ingestors/pipeline/', pathNot: '\\.test\\.ts$' },
      to: { path: '^ingestors/feeds/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^bun:' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(prisma|client)/generated/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};

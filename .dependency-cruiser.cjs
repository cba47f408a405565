// Imports point one way only; each room lists the rooms it may import from besides itself.
const MAY_IMPORT = {
  core: [],
  ort: ['core'],
  image: ['core'],
  render: ['core'],
  onnx: ['core'],
  passes: ['core', 'onnx'],
  vjp: ['core', 'onnx', 'passes'],
  targets: ['core', 'onnx', 'passes', 'vjp'],
  methods: ['core', 'onnx', 'passes', 'vjp', 'targets'],
  explain: ['core', 'onnx', 'passes', 'vjp', 'targets', 'methods', 'image'],
  metrics: ['core', 'onnx', 'passes', 'vjp', 'targets', 'methods', 'explain', 'image'],
  figures: ['core', 'explain', 'image', 'render'],
  node: ['core', 'onnx', 'passes', 'vjp', 'targets', 'methods', 'explain', 'metrics', 'image', 'render', 'ort', 'figures'],
  web: ['core', 'onnx', 'passes', 'vjp', 'targets', 'methods', 'explain', 'metrics', 'image', 'render', 'ort', 'figures'],
  cli: ['core', 'onnx', 'passes', 'vjp', 'targets', 'methods', 'explain', 'metrics', 'image', 'render', 'figures', 'node'],
}
const PORTABLE = '^src/(core|image|render|onnx|passes|vjp|targets|methods|explain|metrics|figures|index)'

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: { pathNot: 'node_modules' }, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(MAY_IMPORT).map(([room, allowed]) => ({
      name: `${room}-imports-only-${allowed.join('-') || 'itself'}`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
    })),
    {
      name: 'portable-code-has-no-platform',
      comment: "'.' runs anywhere: no node:, no ONNX Runtime, no codec. The runtime is handed in.",
      severity: 'error',
      from: { path: PORTABLE },
      to: { path: '(^node:|onnxruntime|sharp|commander|cli-progress)' },
    },
    {
      name: 'portable-code-has-no-core-modules',
      severity: 'error',
      from: { path: PORTABLE },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'src-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
}

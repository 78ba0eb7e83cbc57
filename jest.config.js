/** Under load a real server takes its time; what must be quick says so itself. */
const PATIENCE_MS = 90_000;

/** Jest runs TypeScript as ES modules through swc, the same syntax that Node strips at run time. */
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/.berth/'],
  modulePathIgnorePatterns: ['/dist/', '/.berth/'],
};

export default {
  // Of a project jest takes no such option, and says nothing about it.
  testTimeout: PATIENCE_MS,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: [...base.testPathIgnorePatterns, '\\.(int|replay|e2e|k8s|fault)\\.test\\.ts$'],
    },
    {
      ...base,
      displayName: 'integration',
      testMatch: ['**/*.int.test.ts', '**/*.replay.test.ts', '**/*.fault.test.ts'],
      globalSetup: './tests/support/startServers.ts',
      globalTeardown: './tests/support/stopServers.ts',
    },
    {
      ...base,
      displayName: 'kubernetes',
      testMatch: ['**/*.k8s.test.ts'],
      globalSetup: './tests/support/startServers.ts',
      globalTeardown: './tests/support/stopServers.ts',
    },
    { ...base, displayName: 'e2e', testMatch: ['**/*.e2e.test.ts'] },
  ],
};

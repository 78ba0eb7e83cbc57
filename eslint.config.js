import pluginVue from 'eslint-plugin-vue';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const strictTypeScript = {
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/ban-ts-comment': 'error',
  '@typescript-eslint/consistent-type-imports': [
    'error',
    { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
  ],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
};

const everywhere = {
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-console': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'max-lines': ['error', 400],
  'max-params': ['error', 3],
  'no-restricted-syntax': [
    'error',
    { selector: 'ExportDefaultDeclaration', message: 'Use a named export.' },
    { selector: 'TSEnumDeclaration', message: 'Use a const object: enums are not erased by type stripping.' },
  ],
};

/** What needs the types of the whole program. */
const typed = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
};

export default defineConfig(
  { ignores: ['**/node_modules/', '**/dist/', '.berth/', 'coverage/', 'test-results/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: { ...everywhere, ...strictTypeScript },
  },
  {
    files: ['{shared,platform,activities,workers,api,agent,cli,workflows,tests,migrations}/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: typed,
  },
  { files: ['**/*.js'], rules: everywhere },
  {
    files: ['web/**/*.vue'],
    extends: [pluginVue.configs['flat/recommended']],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      'max-lines': ['error', 400],
      'vue/no-v-html': 'error',
      // A store that is handed down is shared on purpose; replacing a property is not.
      'vue/no-mutating-props': ['error', { shallowOnly: true }],
      'vue/multi-word-component-names': 'off',
      // The layout of templates is prettier's.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
    },
  },
  // Repositories take the database first and the transaction last.
  { files: ['platform/db/repositories/*.ts'], rules: { 'max-params': ['error', 4] } },
  // The cases of a table come as arguments.
  { files: ['tests/**', '**/*.test.ts'], rules: { 'max-params': 'off' } },
  // A program talks to its terminal; a library or a server logs.
  { files: ['cli/**', 'tests/**', 'agent/build.ts', 'workflows/**/*.ts'], rules: { 'no-console': 'off' } },
  // What their tools load by its default export.
  {
    files: ['*.config.{js,ts}', 'web/*.config.{js,ts}', 'tests/support/{startServers,stopServers}.ts', '**/*.d.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);

import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const TIME_AND_CHANCE =
  'Take time and chance from the Clock and Random passed in (src/core), so that tests can own them.';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'max-params': ['error', 4],
      eqeqeq: 'error',
      // Blind to `this.#x ??= y`; TypeScript's own noUnusedLocals covers private fields.
      'no-unused-private-class-members': 'off',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts', 'proxy/**/*.ts', 'pool/**/*.ts'],
    // A page lives in a browser's time.
    ignores: ['src/core/**', 'src/admin/dashboard/page/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: TIME_AND_CHANCE },
        { object: 'Math', property: 'random', message: TIME_AND_CHANCE },
        { object: 'AbortSignal', property: 'timeout', message: TIME_AND_CHANCE },
        { object: 'performance', property: 'now', message: TIME_AND_CHANCE },
      ],
      'no-restricted-globals': [
        'error',
        { name: 'setTimeout', message: TIME_AND_CHANCE },
        { name: 'setInterval', message: TIME_AND_CHANCE },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:timers', message: TIME_AND_CHANCE },
            { name: 'node:timers/promises', message: TIME_AND_CHANCE },
          ],
        },
      ],
    },
  },
  { files: ['bench/**/*.ts', 'examples/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
    rules: { 'no-console': 'off' },
  },
);

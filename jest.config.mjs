// Jest runs the compiled tests: what is tested is what ships, and no transform sits between them.
export default {
  testMatch: ['<rootDir>/dist/test/**/*.test.js'],
  testEnvironment: 'node',
  transform: {},
  testTimeout: 60_000,
  // Process tests start real servers; more workers than cores would only make them wait for each other.
  maxWorkers: 2,
  watchman: false,
};

// What the planes know of logging: pino fits it, and so does a test's recorder. An object of facts, then one sentence.

export type LogFacts = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(facts: LogFacts, message: string): void;
  info(facts: LogFacts, message: string): void;
  warn(facts: LogFacts, message: string): void;
  error(facts: LogFacts, message: string): void;
}

const ignore = () => undefined;

export const silentLog: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

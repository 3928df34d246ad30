// The one base error. It knows whose fault it is and whether the request (or action) may be repeated.
// Expected outcomes are return values; this is for what a caller could not rule out.

/** Whose fault an error is: it decides the status class, the log level and who must act. */
export type ErrorSource = 'client' | 'upstream' | 'proxy' | 'operator';

export interface UnderstudyErrorOptions {
  /** Stable, kebab-case, part of the public interface: `problem+json` shows it as `code`. */
  readonly code: string;
  readonly source: ErrorSource;
  /** True when the same request or action may be sent again without the risk of doing it twice. */
  readonly retry?: boolean;
  readonly cause?: unknown;
}

export class UnderstudyError extends Error {
  readonly code: string;
  readonly source: ErrorSource;
  readonly retry: boolean;

  constructor(message: string, options: UnderstudyErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UnderstudyError';
    this.code = options.code;
    this.source = options.source;
    this.retry = options.retry ?? false;
  }
}

/** What only whoever runs us can put right. */
export function operatorError(code: string, message: string, cause?: unknown): UnderstudyError {
  return new UnderstudyError(message, { code, source: 'operator', cause });
}

/** `unknown-backend` or `unknown-mode`: a name that is asked for and not among those there are. */
export function unknownName(what: 'backend' | 'mode', name: string, known: readonly string[]): UnderstudyError {
  return operatorError(`unknown-${what}`, `There is no ${what} "${name}". Known: ${known.join(', ')}.`);
}

/** The `code` of a Node system error or of an UnderstudyError, or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A one-line description of anything that was thrown, without a stack. */
export function errorMessage(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}

// Fills a command's placeholders for one worker. Leaves unknown braces alone: they are the command's own business.

export interface CommandFacts {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly worker: number;
  /** Processes that a server which forks by itself should start. */
  readonly workers: number;
}

const PLACEHOLDER = /\{(host|port|name|worker|workers)\}/g;

/** Each part stays one argument, whatever is filled in: no shell ever reads the result. */
export function fillCommand(command: readonly string[], facts: CommandFacts): string[] {
  return command.map((part) => part.replace(PLACEHOLDER, (_, key: keyof CommandFacts) => String(facts[key])));
}

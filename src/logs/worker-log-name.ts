// Whose log file it is, by its name: `<backend>-<worker>.log`.

export interface LogOwner {
  readonly backend: string;
  readonly worker: number;
}

const NAME = /^(.+)-([1-9]\d{0,2})\.log$/;

/** Undefined for any other name. */
export function ownerOfLog(name: string): LogOwner | undefined {
  const [, backend, worker] = NAME.exec(name) ?? [];
  return backend === undefined ? undefined : { backend, worker: Number(worker) };
}

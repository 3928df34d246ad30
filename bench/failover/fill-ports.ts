// Fills a worker command's placeholders for a worker that no pool starts.

export function fillPorts(command: readonly string[], port: number): string[] {
  const values = { port: String(port), host: '127.0.0.1', name: 'worker', worker: '1', workers: '1' };
  return command.map((part) =>
    part.replace(/\{(port|host|name|worker|workers)\}/g, (_, key: keyof typeof values) => values[key]),
  );
}

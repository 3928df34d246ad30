// Stands where a process would be for a backend that somebody else runs: ending it only means that we let go.
import { ExitNews } from './exit-news.js';
import type { WorkerProcess } from './worker-runtime.js';

export function createUnmanagedProcess(): WorkerProcess {
  const exit = new ExitNews();
  return {
    pid: undefined,
    onExit: (listener) => exit.subscribe(listener),
    signalGroup(signal) {
      if (signal === 'SIGTERM' || signal === 'SIGKILL') exit.publish({ code: 0, signal: undefined });
      return false;
    },
    release: () => undefined,
    lastOutput: () => '',
  };
}

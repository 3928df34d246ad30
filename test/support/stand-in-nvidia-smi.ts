// A stand-in for nvidia-smi: a shell script of that name in a folder of its own, for PATH. There is no GPU here to
// record from, so what it prints is made after the format that nvidia-smi(1) documents, and is marked as made.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What it does with each of our two questions: print and end, or something that a real one may do on a bad day. */
export type StandIn =
  | { readonly kind: 'answers'; readonly devices: string; readonly processes?: string }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'endless' }
  | { readonly kind: 'fails'; readonly code: number; readonly output: string };

/** One device with so much memory used, and who uses it. */
export function oneDevice({ usedMiB = 900, totalMiB = 4096, processes = '' } = {}): StandIn {
  return { kind: 'answers', devices: `0, GPU-a, 61, ${totalMiB}, ${usedMiB}, 67, NVIDIA GeForce GTX 1650`, processes };
}

/** Writes it, or replaces it, and returns its path; the folder goes on PATH. */
export function writeStandIn(folder: string, standIn: StandIn): string {
  const path = join(folder, 'nvidia-smi');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${scriptOf(standIn)}\n`);
  chmodSync(path, 0o755);
  return path;
}

function scriptOf(standIn: StandIn): string {
  switch (standIn.kind) {
    case 'answers': {
      const print = (text: string) => (text === '' ? ':' : `cat <<'END'\n${text}\nEND`);
      return `case "$1" in\n--query-gpu=*)\n${print(standIn.devices)}\n;;\n*)\n${print(standIn.processes ?? '')}\n;;\nesac`;
    }
    case 'hangs':
      // A child of its own that holds the pipe: killing the script alone would not be enough.
      return 'trap "" TERM\nsleep 1000';
    case 'endless':
      return 'yes 0, GPU-a';
    case 'fails':
      return `echo '${standIn.output}'\nexit ${standIn.code}`;
  }
}

// A cgroup v2 tree of ordinary files: what is written stays readable, and nothing is ever moved. As in the real one each
// process that is moved in is one line; the files that the kernel would make in a new folder come with the first write.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CgroupPlaces } from '../../src/core/cgroup.js';

export class FakeCgroups implements CgroupPlaces {
  readonly #folder = mkdtempSync(join(tmpdir(), 'understudy-cgroups-'));
  readonly mount = join(this.#folder, 'mount');
  readonly proc = join(this.#folder, 'proc');

  constructor() {
    this.add('/', { controllers: 'cpuset cpu io memory pids' });
    rmSync(join(this.mount, 'cgroup.type'));
  }

  /** A group as the kernel shows it. */
  add(path: string, { controllers = 'cpu memory', processes = [] as readonly number[] } = {}): string {
    const folder = join(this.mount, path);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cgroup.type'), 'domain\n');
    writeFileSync(join(folder, 'cgroup.controllers'), `${controllers}\n`);
    writeFileSync(join(folder, 'cgroup.procs'), processes.map((pid) => `${pid}\n`).join(''));
    writeFileSync(join(folder, 'cgroup.subtree_control'), '');
    return folder;
  }

  /** What /proc says of a process. */
  place(pid: number, path: string): void {
    mkdirSync(join(this.proc, String(pid)), { recursive: true });
    writeFileSync(join(this.proc, String(pid), 'cgroup'), `1:name=systemd:/elsewhere\n0::${path}\n`);
  }

  read(path: string): string {
    return readFileSync(join(this.mount, path), 'utf8').trim();
  }

  pidsIn(path: string): number[] {
    return this.read(join(path, 'cgroup.procs')).split('\n').map(Number);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

// Makes a checkout runnable: installs dependencies when node_modules does not match the lock file, and builds when
// dist does not match the sources. Does nothing, quickly, when both are fresh. `--force-build` builds regardless.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SOURCE_FOLDERS = ['src', 'proxy', 'pool', 'test', 'bench', 'examples'];
/** What a browser gets: scripts that know another world than Node's, and files that are served as they are. */
const PAGE_FOLDER = join('src', 'admin', 'dashboard', 'page');
const INSTALL_STAMP = join(ROOT, 'node_modules', '.understudy-install');
const BUILD_STAMP = join(ROOT, 'dist', '.understudy-build');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`understudy needs Node >= 20.19; this is ${process.version}`);
  process.exit(1);
}

ensureInstalled();
ensureBuilt(process.argv.includes('--force-build'));

function ensureInstalled() {
  const wanted = hashOf([join(ROOT, 'package-lock.json')]);
  if (stampSays(INSTALL_STAMP, wanted)) return;
  runOrExit('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], 'installing dependencies');
  writeFileSync(INSTALL_STAMP, wanted);
}

function ensureBuilt(force) {
  const sources = SOURCE_FOLDERS.flatMap((folder) => sourceFilesUnder(join(ROOT, folder)));
  const wanted = hashOf([join(ROOT, 'tsconfig.json'), join(ROOT, 'package-lock.json'), ...sources.sort()]);
  if (!force && stampSays(BUILD_STAMP, wanted)) return;
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  runOrExit(process.execPath, [compiler], 'building');
  runOrExit(process.execPath, [compiler, '--project', join(ROOT, PAGE_FOLDER)], 'building the dashboard');
  for (const file of readdirSync(join(ROOT, PAGE_FOLDER)).filter((name) => /\.(html|css)$/.test(name))) {
    copyFileSync(join(ROOT, PAGE_FOLDER, file), join(ROOT, 'dist', PAGE_FOLDER, file));
  }
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  // `npx understudy` runs it as a program, as an installed package's command would be.
  chmodSync(join(ROOT, 'dist', 'src', 'cli.js'), 0o755);
  // Kept current with the config's own schema by every build, so that nobody has to remember it.
  runOrExit(process.execPath, [join(ROOT, 'scripts', 'generate-schema.mjs')], 'writing the JSON Schema');
  writeFileSync(BUILD_STAMP, wanted);
}

function runOrExit(command, args, what) {
  console.error(`understudy: ${what} ...`);
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error(`understudy: ${what} failed${error ? `: ${error.message}` : ''}`);
  process.exit(status ?? 1);
}

function sourceFilesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => /\.(ts|html|css)$/.test(name) || name.endsWith('tsconfig.json'))
    .map((name) => join(folder, name));
}

function hashOf(files) {
  const hash = createHash('sha256').update(process.versions.modules);
  for (const file of files) hash.update(file.slice(ROOT.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function stampSays(stamp, wanted) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

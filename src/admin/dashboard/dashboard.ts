// The dashboard: a page of plain files that asks the admin API like anybody else. Each file is named here: nothing else of
// the disk can be asked for.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
} as const;

/** Under `/assets/`, as they lie beside each other here: so they find each other. */
const OWN = [
  'rates.js',
  'quantity-text.js',
  'status-text.js',
  'dashboard/page/style.css',
  'dashboard/page/main.js',
  'dashboard/page/charts.js',
  'dashboard/page/elements.js',
  'dashboard/page/events.js',
  'dashboard/page/operator.js',
  'dashboard/page/overview.js',
  'dashboard/page/worker-table.js',
] as const;
const LIBRARY = ['uPlot.iife.min.js', 'uPlot.min.css'] as const;

/** Nothing from elsewhere, in no frame of another page, and no script but these. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function registerDashboard(server: FastifyInstance): void {
  const ownFolder = dirname(import.meta.dirname);
  const libraryFolder = dirname(fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css')));
  serve(server, '/', join(ownFolder, 'dashboard', 'page', 'index.html'));
  for (const file of OWN) serve(server, `/assets/${file}`, join(ownFolder, file));
  for (const file of LIBRARY) serve(server, `/assets/uplot/${file}`, join(libraryFolder, file));
}

function serve(server: FastifyInstance, url: string, path: string): void {
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1) as keyof typeof TYPES];
  let content: Buffer | undefined;
  server.get(url, (_request, reply) =>
    reply
      .type(type)
      .header('cache-control', 'no-cache')
      .header('content-security-policy', POLICY)
      .header('x-content-type-options', 'nosniff')
      .send((content ??= readFileSync(path))),
  );
}

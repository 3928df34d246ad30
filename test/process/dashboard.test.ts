// The dashboard in a real browser, in front of a real instance.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { SteadyLoad } from '../support/steady-load.js';
import { UnderstudyProcess } from '../support/understudy-process.js';

let browser: Browser;
let instance: UnderstudyProcess;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  // As root chromium refuses its sandbox.
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});

afterAll(() => browser.close());

beforeEach(async () => {
  instance = await UnderstudyProcess.start();
  page = await browser.newPage();
  complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`http://127.0.0.1:${instance.adminPort}/`);
});

afterEach(async () => {
  await page.close();
  await instance.dispose();
});

function shown(selector: string, text: RegExp): Promise<void> {
  return page.locator(selector).filter({ hasText: text }).first().waitFor();
}

function tokenOf({ stdout }: UnderstudyProcess): string {
  return /\(token (\w+)\)/.exec(stdout)![1]!;
}

test('shows mode, traffic, workers, lines and events as they go along', async () => {
  await shown('#mode', /^production$/);
  await shown('#workers tr', /^primaryactiveprimary\/1activewellclosed/);
  expect(await page.locator('#workers tbody tr').count()).toBe(3);
  await shown('#events li', /primary\/1 starting -> active: /);
  await page.locator('#machine canvas').waitFor();
  const load = new SteadyLoad({ url: `${instance.url}/`, connections: 2 });
  await shown('#overview dd', /^[1-9]\d* requests\/s/);
  expect((await load.stop()).failures).toEqual([]);
  expect(complaints).toEqual([]);
});

test('changes nothing without the token, and what was asked for with it', async () => {
  await page.getByRole('button', { name: 'validation' }).click();
  await shown('#outcome', /validation: changes over TCP need the token printed at start/);
  await page.locator('#token').fill(tokenOf(instance));
  await page.getByRole('button', { name: 'validation' }).click();
  await shown('#outcome', /^validation: on its way$/);
  await shown('#mode', /^validation$/);
  await shown('#workers tr', /^fallbackstandby \(frozen\)/);
  await page.locator('#workers tr', { hasText: 'fallback/1' }).getByRole('button', { name: 'promote' }).click();
  await shown('#outcome', /^promote fallback: done$/);
  await shown('#workers tr', /^fallbackactive/);
});

test('says when nobody answers any more', async () => {
  await shown('#mode', /^production$/);
  expect(await page.locator('#link').isVisible()).toBe(false);
  await instance.command('stop');
  await shown('#link', /no answer: the instance has ended/);
});

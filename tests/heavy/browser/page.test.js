// The start page as a person sees it: the one-time link opens a session, and what waits for a word is approved with a click.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { chromium } = require('playwright-core');
const { startHost } = require('../../integration/lib/host.js');
const { waitFor } = require('../../integration/lib/client.js');

let host, browser, page, rules;
const faults = [];

before(async () => {
  rules = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-rules-'));
  fs.cpSync(path.join(process.env.BACKPLANE_SOURCE, 'scripts'), rules, { recursive: true });
  fs.mkdirSync(path.join(rules, 'repositories'), { recursive: true });
  fs.writeFileSync(path.join(rules, 'repositories', 'ask.lua'), 'return ask("register <b>" .. (request.name or "?") .. "</b>?")\n');
  host = await startHost({ config: 'module "desktop" {} module "repositories" {}', scripts: rules });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  page = await browser.newPage();
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
});

after(async () => {
  await browser?.close();
  await host?.stop();
  fs.rmSync(rules, { recursive: true, force: true });
});

const link = () => host.stdout.match(/http:\/\/\S+#code=\S+/)[0];
const shown = (text) => page.waitForFunction((wanted) => document.body.innerText.includes(wanted), text);

test('the start link shows the modules, opens a session once, and leaves no code in the address', async () => {
  await page.goto(link());
  await shown('Nothing waits for your word.');
  await shown('The registry of repositories');
  assert.strictEqual(new URL(page.url()).hash, '');
  await page.reload();
  await shown('Nothing waits for your word.');
  assert.deepStrictEqual(faults, []);
});

test('a request that waits is shown as text and approved with a click', async () => {
  const waiting = host.request('POST', '/f/desktop/api/repositories', { body: { name: 'mine', path: '/tmp/mine', type: 'local' } });
  await shown('register <b>mine</b>?');
  await page.click('text=Approve');
  const reply = await waiting;
  assert.strictEqual(reply.status, 200, reply.text);
  await shown('Nothing waits for your word.');
});

test('a request that waits is denied with a click', async () => {
  const waiting = host.request('POST', '/f/desktop/api/repositories', { body: { name: 'other', path: '/tmp/other', type: 'local' } });
  await shown('register <b>other</b>?');
  await page.click('text=Deny');
  assert.strictEqual((await waiting).status, 403);
});

test('a link that was used is refused with a sentence', async () => {
  const other = await browser.newPage();
  await other.goto(link());
  await other.waitForFunction(() => document.body.innerText.includes('The link was not accepted'));
  await other.close();
});

test('the page asks nobody else for anything and never says its token', async () => {
  const tokens = await page.evaluate(() => Object.values(sessionStorage));
  await waitFor('the session', () => tokens.length === 1);
  assert.ok(!(await page.content()).includes(tokens[0]));
  assert.ok(!host.stderr.includes(tokens[0]));
});

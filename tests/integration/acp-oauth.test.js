// OAuth of agents against a real provider (npm oidc-provider): the authorization code with PKCE, the device code, refreshing.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { test, before, after } = require('node:test');
const { RemoteGateway } = require('./lib/acp-remote-gateway.js');
const { waitFor } = require('./lib/client.js');
const { Host } = require('./lib/host.js');

const PORT = 3001;
const REDIRECT = 'http://localhost:3001/api/acp/oauth/callback';

let host, remote, server, issuer, project;
const tokenRequests = [];

// Everybody is logged in as "me" and has agreed to everything.
async function startProvider() {
  const { Provider } = require('oidc-provider');
  server = http.createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'backplane', application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: [REDIRECT], response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    }],
    features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
    interactions: { url: (ctx, interaction) => `/login/${interaction.uid}` },
    ttl: { AccessToken: 200, AuthorizationCode: 60, DeviceCode: 600, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    cookies: { keys: ['a key of the test'] },
    issueRefreshToken: async () => true,
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid offline_access');
      await grant.save();
      return grant;
    },
  });
  const handle = provider.callback();
  server.on('request', (request, reply) => {
    if (request.url.startsWith('/login/')) {
      provider.interactionFinished(request, reply, { login: { accountId: 'me' }, consent: {} }, { mergeWithLastSubmission: false });
      return;
    }
    if (request.url === '/token') {
      request.on('data', (piece) => tokenRequests.push(new URLSearchParams(String(piece))));
    }
    handle(request, reply);
  });
}

// A browser as far as it is needed here: cookies, and redirects up to one that leaves the provider.
class Browser {
  constructor() { this.cookies = new Map(); }

  async go(url, options = {}) {
    const reply = await fetch(url, { ...options, redirect: 'manual', headers: { ...options.headers, cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') } });
    for (const cookie of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      this.cookies.set(name, value);
    }
    if (reply.status < 300 || reply.status >= 400) return { reply, text: await reply.text() };
    const next = new URL(reply.headers.get('location'), url).href;
    return next.startsWith(issuer) ? this.go(next) : { next };
  }

  // Sends the page's form with its hidden fields and what is added.
  submit(page, url, fields = {}) {
    const form = new URLSearchParams();
    for (const [, name, value] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) form.set(name, value);
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return this.go(url, { method: 'POST', body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  }
}

before(async () => {
  await startProvider();
  remote = await new RemoteGateway().listen(0);
  const client = (agent, more) => `{ agentId = "${agent}", clientId = "backplane", tokenEndpoint = "${issuer}/token", scopes = "openid offline_access", ${more} }`;
  host = await new Host({
    config: `listen "127.0.0.1:${PORT}" { family = "acp" }
module "acp" { oauth = {
  ${client('codex', `authorizationEndpoint = "${issuer}/auth", deviceAuthorizationEndpoint = "${issuer}/device/auth", redirectUri = "${REDIRECT}"`)},
  ${client('claude-code', `authorizationEndpoint = "${issuer}/auth", redirectUri = "${REDIRECT}"`)},
} }`,
    ports: [PORT],
  }).start();
  project = (await call('POST', '/api/projects', { name: 'p', containerPort: remote.port - 1 })).project.id;
});
after(async () => {
  await host.stop();
  await remote.close();
  server.closeAllConnections();
  server.close();
});

async function call(method, target, body) {
  const reply = await host.request(method, target, { port: PORT, body });
  return { status: reply.status, ...reply.json() };
}
const agent = (name, method, target, body) => call(method, `/api/projects/${project}/acp/agents/${name}/auth${target}`, body);
const refreshes = () => tokenRequests.filter((form) => form.get('grant_type') === 'refresh_token').length;

test('the OAuth flow: authorization code with PKCE, state used once and bound to the agent', async () => {
  const { data } = await agent('codex', 'POST', '/start');
  const url = new URL(data.authUrl);
  assert.deepEqual([url.searchParams.get('code_challenge_method'), url.searchParams.get('response_type'), url.searchParams.get('redirect_uri')], ['S256', 'code', REDIRECT]);
  assert.match(url.searchParams.get('state'), /^[\w-]{43}$/);
  const { next } = await new Browser().go(data.authUrl);
  const { code, state } = Object.fromEntries(new URL(next).searchParams);
  assert.equal(state, url.searchParams.get('state'));
  const wrong = { status: 400, success: false, error: 'Unknown or expired state: start the authentication again' };
  assert.deepEqual(await agent('codex', 'POST', '/callback', { code, state: 'x'.repeat(43) }), wrong);
  assert.deepEqual(await agent('codex', 'POST', '/callback', { code, state }), { status: 200, success: true, data: { authenticated: true } });
  assert.match(tokenRequests[0].get('code_verifier'), /^[\w-]{43}$/);
  assert.deepEqual(await agent('codex', 'POST', '/callback', { code, state }), wrong);
  const status = (await agent('codex', 'GET', '/status')).data;
  assert.equal(status.hasStoredToken, true);
  assert.ok(remote.requests.some(({ url: where, body }) => where === '/agents/codex/auth/token' && body.token));

  const other = new URL((await agent('claude-code', 'POST', '/start')).data.authUrl).searchParams.get('state');
  assert.deepEqual(await agent('codex', 'POST', '/callback', { code, state: other }), wrong);
});

test('a browser that the provider sends back ends the flow at the redirect URL', async () => {
  const { data } = await agent('claude-code', 'POST', '/start');
  const { next } = await new Browser().go(data.authUrl);
  const back = await host.request('GET', new URL(next).pathname + new URL(next).search, { port: PORT });
  assert.deepEqual(back.json(), { success: true, data: { authenticated: true } });
  assert.equal((await call('GET', '/api/acp/oauth/callback?error=access_denied')).error, 'The provider refused: access_denied');
  assert.equal((await call('GET', '/api/acp/oauth/callback')).status, 400);
});

test('an ended token is refreshed before it is used, once for all who wait', async () => {
  const earlier = refreshes();
  const open = () => call('POST', `/api/projects/${project}/acp/session`, { agentId: 'codex' });
  const replies = await Promise.all([open(), open(), open()]);
  for (const reply of replies) assert.equal(reply.status, 200, JSON.stringify(reply));
  const given = new Set(remote.requests.filter(({ url }) => url === '/session').map(({ body }) => body.env.OPENAI_API_KEY));
  assert.ok(refreshes() > earlier);
  assert.equal(refreshes() - earlier, given.size, 'every refresh gave one token, and nobody got an older one');
  assert.equal((await open()).status, 200, 'the rotated refresh token was kept');
});

test('the device code: the person agrees elsewhere, the token comes by itself', async () => {
  await agent('codex', 'DELETE', '');
  const { data } = await agent('codex', 'POST', '/start', { flow: 'device' });
  assert.ok(data.userCode && data.expiresIn > 0);
  assert.equal((await agent('codex', 'GET', '/status')).data.hasStoredToken, false);
  const browser = new Browser();
  let page = await browser.go(`${issuer}/device`);
  page = await browser.submit(page.text, `${issuer}/device`, { user_code: data.userCode });
  page = await browser.submit(page.text, `${issuer}/device`, { user_code: data.userCode, confirm: 'yes' });
  await waitFor('the token', async () => (await agent('codex', 'GET', '/status')).data.hasStoredToken, () => page.text);
});

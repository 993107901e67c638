// A whole turn of three real agents through the gateway: the agent asks for permission, a person grants it, the file is really there.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { openEventStream, waitFor } = require('../../integration/lib/client.js');
const { Host } = require('../../integration/lib/host.js');
const { startModel, DONE } = require('./models.js');

const PORT = 4097;
const lua = (text) => JSON.stringify(text);
const packageFile = (name, ...rest) => path.join(process.env.AGENTS, name, ...rest);

const agents = {
  'claude-code': {
    model: 'anthropic',
    file: packageFile('@agentclientprotocol/claude-agent-acp', 'dist', 'index.js'),
    env: (model) => ({ ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'any', IS_SANDBOX: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' }),
  },
  'gemini-cli': {
    model: 'gemini',
    file: packageFile('@google/gemini-cli', 'bundle', 'gemini.js'),
    words: ['--acp'],
    env: (model) => ({ GEMINI_API_KEY: 'any', GOOGLE_GEMINI_BASE_URL: model.url }),
  },
  opencode: {
    model: 'openai',
    file: packageFile('opencode-ai', 'bin', process.platform === 'linux' && fs.existsSync(packageFile('opencode-ai', 'bin', 'opencode')) ? 'opencode' : 'opencode.exe'),
    words: ['acp'],
    env: (model, home) => {
      const config = { provider: { local: { npm: '@ai-sdk/openai-compatible', name: 'Local', options: { baseURL: `${model.url}/v1`, apiKey: 'any' }, models: { one: { name: 'One' } } } }, model: 'local/one', small_model: 'local/one', permission: { edit: 'ask' }, autoupdate: false };
      fs.writeFileSync(path.join(home, 'opencode.json'), JSON.stringify(config));
      return { OPENCODE_CONFIG: path.join(home, 'opencode.json') };
    },
  },
};

function command({ file, words = [] }) {
  const head = fs.readFileSync(file).subarray(0, 64).toString('latin1');
  const isScript = head.startsWith('#!') || file.endsWith('.js');
  return `{ ${[...(isScript ? [process.execPath] : []), file, ...words].map(lua).join(', ')} }`;
}

for (const [id, agent] of Object.entries(agents)) {
  test(`${id}: a turn with a permission and a file`, { timeout: 240000, skip: fs.existsSync(agent.file) ? false : `SKIP: ${agent.file} is not installed` }, async () => {
    const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-agent-')));
    const work = path.join(home, 'work');
    fs.mkdirSync(work);
    const model = await startModel(agent.model);
    model.path = path.join(work, 'hello.txt');
    model.content = `written by ${id}\n`;
    const env = Object.entries(agent.env(model, home)).map(([name, value]) => `${name} = ${lua(value)}`).join(', ');
    const host = await new Host({
      config: `listen "127.0.0.1:${PORT}" { family = "acp-gateway" }
module "acp-gateway" { start_timeout_ms = 120000, agents = { { id = "${id}", command = ${command(agent)}, requiresAuth = false, env = { ${env} } } } }`,
      ports: [PORT],
      env: { HOME: home },
    }).start();
    try {
      const call = async (method, target, body) => (await host.request(method, target, { port: PORT, body })).json();
      call('POST', `/agents/${id}/spawn`).catch(() => {}); // the first start takes longer than a request of the test may
      await waitFor('the agent', async () => (await call('GET', `/agents/${id}/status`)).data.status !== 'starting' && (await call('GET', `/agents/${id}/status`)).data.startedAt,
        () => host.stderr.slice(-2000));
      const opened = await call('POST', '/session', { agentId: id, workingDirectory: work });
      assert.equal(opened.success, true, JSON.stringify(opened) + host.stderr.slice(-2000));
      const session = opened.data;
      const events = await openEventStream(`/events/${session.id}`, { port: host.port(PORT) });
      host.request('POST', `/session/${session.id}/prompt`, { port: PORT, body: { prompt: 'Write the file hello.txt.' } }).catch(() => {}); // its end comes by the events
      const ends = () => events.events.some(({ event }) => event === 'session_end_turn');
      const asked = await waitFor('the permission or the end', () => events.events.find(({ event }) => event === 'permission_request') ?? (ends() && 'the turn ended'), () => JSON.stringify(events.events.slice(-5)));
      assert.notEqual(asked, 'the turn ended', JSON.stringify(events.events.slice(-6)));
      assert.ok(!fs.existsSync(model.path), 'nothing is written before it is granted');
      const { requestId } = JSON.parse(asked.data).data;
      assert.equal((await call('POST', `/permission/${requestId}`, { granted: true })).success, true);
      const end = await waitFor('the end', () => events.events.find(({ event }) => event === 'session_end_turn'));
      assert.equal(JSON.parse(end.data).data.reason, 'end_turn');
      assert.equal(fs.readFileSync(model.path, 'utf8'), model.content);
      const { messages } = (await call('GET', `/session/${session.id}/messages`)).data;
      assert.ok(messages.some(({ role, content }) => role === 'assistant' && content.includes(DONE)), JSON.stringify(messages));
      assert.ok(messages.some(({ role, toolCall }) => role === 'tool' && toolCall.status === 'completed'));
      events.close();
    } finally {
      await host.stop();
      model.server.closeAllConnections();
      model.server.close();
      fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    }
  });
}

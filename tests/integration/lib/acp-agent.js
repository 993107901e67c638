// A small ACP agent on the real SDK (its main file is the first argument). The first word of a prompt says what it does in the turn.
// Never chooses anything by itself, so that a test knows what will come.
'use strict';

const { Readable, Writable } = require('node:stream');
const acp = require(process.argv[2]);

const sessions = new Map(); // id -> { cwd, cancel(), told: [] }
let counter = 0;

const OPTIONS = [
  { optionId: 'yes', name: 'Allow', kind: 'allow_once' },
  { optionId: 'always', name: 'Always', kind: 'allow_always' },
  { optionId: 'no', name: 'Reject', kind: 'reject_once' },
];

const actions = {
  async say(turn, words) {
    for (const word of words) await turn.update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: word } });
  },
  async think(turn, words) {
    await turn.update({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: words.join(' ') } });
    await actions.say(turn, ['thought']);
  },
  async env(turn, [name]) { await actions.say(turn, [`${name}=${process.env[name] ?? ''}`]); },
  async cwd(turn) { await actions.say(turn, [process.cwd(), ' ', turn.session.cwd]); },
  async pid(turn) { await actions.say(turn, [String(process.pid)]); },
  async remember(turn, words) {
    await actions.say(turn, [JSON.stringify(turn.session.told)]);
    turn.session.told.push(words.join(' '));
  },
  async ask(turn, [title = 'Edit a file', path]) {
    const toolCall = { toolCallId: `call-${++counter}`, title, kind: 'edit', status: 'pending', locations: path ? [{ path }] : [], rawInput: { path } };
    await turn.update({ sessionUpdate: 'tool_call', ...toolCall });
    const { outcome } = await turn.client.request('session/request_permission', { sessionId: turn.id, toolCall, options: OPTIONS });
    await turn.update({ sessionUpdate: 'tool_call_update', toolCallId: toolCall.toolCallId, status: outcome.optionId === 'yes' ? 'completed' : 'failed' });
    await actions.say(turn, [outcome.outcome, ' ', outcome.optionId ?? '']);
    return outcome.outcome === 'cancelled' ? 'cancelled' : undefined;
  },
  async tool(turn, [title = 'Look']) {
    const toolCallId = `call-${++counter}`;
    await turn.update({ sessionUpdate: 'tool_call', toolCallId, title, kind: 'read', status: 'in_progress' });
    await turn.update({ sessionUpdate: 'tool_call_update', toolCallId, status: 'completed' });
    await actions.say(turn, ['looked']);
  },
  async write(turn, [path, ...content]) {
    await turn.client.request('fs/write_text_file', { sessionId: turn.id, path, content: content.join(' ') })
      .then(() => actions.say(turn, ['written']), (error) => actions.say(turn, [`refused: ${error.message}`]));
  },
  async read(turn, [path, line, limit]) {
    const range = line ? { line: Number(line), limit: Number(limit) } : {};
    await turn.client.request('fs/read_text_file', { sessionId: turn.id, path, ...range })
      .then(({ content }) => actions.say(turn, [content]), (error) => actions.say(turn, [`refused: ${error.message}`]));
  },
  async run(turn, [command, ...args]) {
    try {
      const { terminalId } = await turn.client.request('terminal/create', { sessionId: turn.id, command, args, env: [{ name: 'GREETING', value: 'hi' }] });
      const end = await turn.client.request('terminal/wait_for_exit', { sessionId: turn.id, terminalId });
      const output = await turn.client.request('terminal/output', { sessionId: turn.id, terminalId });
      await turn.client.request('terminal/release', { sessionId: turn.id, terminalId });
      await actions.say(turn, [JSON.stringify({ end, output })]);
    } catch (error) {
      await actions.say(turn, [`refused: ${error.message}`]);
    }
  },
  async kill(turn) {
    const { terminalId } = await turn.client.request('terminal/create', { sessionId: turn.id, command: 'sleep', args: ['600'] });
    const waiting = turn.client.request('terminal/wait_for_exit', { sessionId: turn.id, terminalId });
    await turn.client.request('terminal/kill', { sessionId: turn.id, terminalId });
    await actions.say(turn, [JSON.stringify(await waiting)]);
  },
  async wait(turn) {
    await actions.say(turn, ['waiting']);
    await turn.cancelled;
    return 'cancelled';
  },
  async spend(turn) {
    await turn.update({ sessionUpdate: 'usage_update', used: 20, size: 1000, cost: { amount: 5, currency: 'USD' } });
    await turn.cancelled;
    return 'cancelled';
  },
  async state(turn) {
    await turn.update({ sessionUpdate: 'plan', entries: [{ content: 'first', priority: 'high', status: 'in_progress' }] });
    await turn.update({ sessionUpdate: 'available_commands_update', availableCommands: [{ name: 'test', description: 'runs the tests' }] });
    await turn.update({ sessionUpdate: 'usage_update', used: 10, size: 1000, cost: { amount: 0.5, currency: 'USD' } });
    await turn.update({ sessionUpdate: 'session_info_update', title: 'A better title' });
  },
  async garbage(turn) {
    process.stdout.write('this is no JSON\n{"jsonrpc":"2.0"}\n[1,2]\n\n{"jsonrpc":"2.0","id":99999,"result":{}}\n');
    for (let i = 0; i < 40; i++) process.stdout.write('noise\n'.repeat(100) + '{"jsonrpc":"2.0","method":"noise"}\n');
    await actions.say(turn, ['after garbage']);
  },
  // JSON.stringify writes half of a surrogate pair, which a cut text ends in, as an escape.
  async half(turn) { await actions.say(turn, ['cut \ud83d']); },
  // Asks, and ends the turn without waiting for the answer.
  async leave(turn) {
    turn.client.request('session/request_permission', { sessionId: turn.id, toolCall: { toolCallId: `call-${++counter}`, title: 'Too late' }, options: OPTIONS }).catch(() => {});
    await actions.say(turn, ['gone']);
  },
  async much(turn) { await actions.say(turn, ['\u00e4'.repeat(1 << 20), 'end']); },
  async long(turn) {
    const line = `{"jsonrpc":"2.0","method":"session/update","params":"${'x'.repeat(9 << 20)}"}\n`;
    await new Promise((resolve) => { process.stdout.write(line, resolve); });
    await actions.say(turn, ['after a long line']);
  },
  async crash(turn) {
    await actions.say(turn, ['last words']);
    process.stderr.write('something went wrong inside\n');
    process.exit(3);
  },
  async fail() { throw new Error('the model said no'); },
};

async function prompt({ params, client }) {
  const session = sessions.get(params.sessionId);
  const turn = {
    id: params.sessionId,
    client,
    session,
    cancelled: new Promise((resolve) => { session.cancel = resolve; }),
    update: (update) => client.notify('session/update', { sessionId: params.sessionId, update }),
  };
  const [name, ...words] = params.prompt.map((block) => block.text ?? block.type).join(' ').split(' ');
  const stopReason = await (actions[name] ?? actions.say)(turn, words);
  return { stopReason: stopReason ?? 'end_turn', usage: { inputTokens: 12, outputTokens: 34, totalTokens: 46 } };
}

function open(cwd, id = `session-${process.pid}-${++counter}`) {
  sessions.set(id, { cwd, cancel() {}, told: [] });
  return id;
}

const MODES = { currentModeId: 'ask', availableModes: [{ id: 'ask', name: 'Ask' }, { id: 'code', name: 'Code' }] };
const REFUSES = process.argv.includes('--needs-auth');
let isAuthenticated = !REFUSES || Boolean(process.env.TEST_AGENT_KEY);

acp.agent({ name: 'test-agent' })
  .onRequest('initialize', () => ({
    protocolVersion: 1,
    agentCapabilities: { loadSession: !process.argv.includes('--forgets'), sessionCapabilities: { close: {}, list: {} } },
    authMethods: [{ id: 'key', name: 'Key', description: 'TEST_AGENT_KEY' }],
  }))
  .onRequest('authenticate', () => { isAuthenticated = true; return {}; })
  .onRequest('session/new', ({ params }) => {
    if (!isAuthenticated) throw acp.RequestError.authRequired();
    return { sessionId: open(params.cwd), modes: MODES };
  })
  .onRequest('session/load', async ({ params, client }) => {
    open(params.cwd, params.sessionId);
    sessions.get(params.sessionId).told.push('loaded');
    await client.notify('session/update', { sessionId: params.sessionId, update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'history' } } });
    return { modes: MODES };
  })
  .onRequest('session/list', () => ({ sessions: [...sessions].map(([sessionId, { cwd }]) => ({ sessionId, cwd })) }))
  .onRequest('session/close', ({ params }) => { sessions.delete(params.sessionId); return {}; })
  .onRequest('session/set_mode', ({ params, client }) => {
    client.notify('session/update', { sessionId: params.sessionId, update: { sessionUpdate: 'current_mode_update', currentModeId: params.modeId } });
    return {};
  })
  .onRequest('session/prompt', prompt)
  .onNotification('session/cancel', ({ params }) => { sessions.get(params.sessionId)?.cancel(); })
  .connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));

// The official SDK's client against the hub, and bare HTTP for what the SDK would not send.
'use strict';

const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const types = require('@modelcontextprotocol/sdk/types.js');
const { request } = require('../client.js');

// options.capabilities; options.answers: { method: (request) => result } for what servers ask. `notes` collects notifications.
async function connect(url, options = {}) {
  const client = new Client({ name: 'test', version: '1' }, { capabilities: options.capabilities || {} });
  const schemas = { 'sampling/createMessage': types.CreateMessageRequestSchema, 'elicitation/create': types.ElicitRequestSchema, 'roots/list': types.ListRootsRequestSchema };
  for (const [method, answer] of Object.entries(options.answers || {})) client.setRequestHandler(schemas[method], answer);
  client.notes = [];
  client.fallbackNotificationHandler = async (note) => { client.notes.push(note); };
  client.transportUsed = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(client.transportUsed);
  return client;
}

const ACCEPT = 'application/json, text/event-stream';
const INITIALIZE = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } };

// One bare POST; headers override.
function post(port, body, headers = {}, target = '/mcp') {
  return request('POST', target, { port, body: typeof body === 'string' ? body : JSON.stringify(body), headers: { accept: ACCEPT, 'content-type': 'application/json', ...headers } });
}

// A session by hand: its id.
async function open(port, target = '/mcp', params = {}) {
  const reply = await post(port, { ...INITIALIZE, params: { ...INITIALIZE.params, ...params } }, {}, target);
  return reply.headers['mcp-session-id'];
}

// The messages of an event stream's text: [{ id, data }].
function events(text) {
  return text.split('\n\n').filter((block) => /^data: \S/m.test(block)).map((block) => ({ id: /^id: (.*)$/m.exec(block)?.[1], data: JSON.parse(/^data: (.*)$/m.exec(block)[1]) }));
}

module.exports = { connect, post, open, events, ACCEPT, INITIALIZE };

// An MCP server on the official SDK with the tools, resources and prompts the conformance suite asks for. Speaks stdio, to be put behind the
// hub. Beyond the suite: who_am_i (the process), wait (until cancelled), grow (adds a tool while it runs), flood, die.
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CompleteRequestSchema, CreateMessageResultSchema, ElicitResultSchema, ListRootsResultSchema, ListToolsRequestSchema, SetLevelRequestSchema, SubscribeRequestSchema, UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

const server = new McpServer(
  { name: 'fixture', version: '1.0.0' },
  { capabilities: { logging: {}, resources: { subscribe: true, listChanged: true }, tools: { listChanged: true }, prompts: { listChanged: true }, completions: {} } },
);
const low = server.server;

// ---- Tools of the suite ----
server.registerTool('test_simple_text', { description: 'Simple text' }, async () => text('This is a simple text response for testing.'));
server.registerTool('test_image_content', { description: 'Image' }, async () => ({ content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] }));
server.registerTool('test_audio_content', { description: 'Audio' }, async () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }));
server.registerTool('test_embedded_resource', { description: 'Embedded resource' }, async () => ({
  content: [{ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }],
}));
server.registerTool('test_multiple_content_types', { description: 'Mixed' }, async () => ({
  content: [
    { type: 'text', text: 'Multiple content types test:' },
    { type: 'image', data: PNG, mimeType: 'image/png' },
    { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: JSON.stringify({ test: 'data', value: 123 }) } },
  ],
}));
server.registerTool('test_tool_with_logging', { description: 'Logs while it runs' }, async (extra) => {
  for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
    await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
    await pause(50);
  }
  return text('Tool with logging executed successfully');
});
server.registerTool('test_error_handling', { description: 'Fails' }, async () => { throw new Error('This tool intentionally returns an error for testing'); });
server.registerTool('test_tool_with_progress', { description: 'Progress' }, async (extra) => {
  const token = extra._meta?.progressToken;
  for (const progress of [0, 50, 100]) {
    if (token !== undefined) await extra.sendNotification({ method: 'notifications/progress', params: { progressToken: token, progress, total: 100, message: `Completed step ${progress} of 100` } });
    await pause(50);
  }
  return text(String(token));
});
server.registerTool('test_sampling', { description: 'Sampling', inputSchema: { prompt: z.string() } }, async ({ prompt }, extra) => {
  const answer = await extra.sendRequest({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens: 100 } }, CreateMessageResultSchema);
  return text(`LLM response: ${answer.content.text ?? JSON.stringify(answer.content)}`);
});
const elicit = async (extra, message, properties, required = []) => {
  const answer = await extra.sendRequest({ method: 'elicitation/create', params: { message, requestedSchema: { type: 'object', properties, required } } }, ElicitResultSchema);
  return `action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`;
};
server.registerTool('test_elicitation', { description: 'Elicitation', inputSchema: { message: z.string() } }, async ({ message }, extra) => text(
  `User response: ${await elicit(extra, message, { username: { type: 'string', description: 'User\'s response' }, email: { type: 'string', description: 'User\'s email address' } }, ['username', 'email'])}`,
));
server.registerTool('test_elicitation_sep1034_defaults', { description: 'Elicitation with defaults' }, async (extra) => text(`Elicitation completed: ${await elicit(extra, 'Please review', {
  name: { type: 'string', description: 'User name', default: 'John Doe' },
  age: { type: 'integer', description: 'User age', default: 30 },
  score: { type: 'number', description: 'User score', default: 95.5 },
  status: { type: 'string', description: 'User status', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', description: 'Verification status', default: true },
})}`));
server.registerTool('test_elicitation_sep1330_enums', { description: 'Elicitation with enums' }, async (extra) => text(`Elicitation completed: ${await elicit(extra, 'Please choose', {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string', oneOf: [{ const: 'value1', title: 'First Option' }, { const: 'value2', title: 'Second Option' }, { const: 'value3', title: 'Third Option' }] },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
  untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: { type: 'array', items: { anyOf: [{ const: 'value1', title: 'First Choice' }, { const: 'value2', title: 'Second Choice' }, { const: 'value3', title: 'Third Choice' }] } },
})}`));
server.registerTool('test_reconnection', { description: 'Slow' }, async () => { await pause(100); return text('Reconnection test completed successfully'); });
server.registerTool('json_schema_2020_12_tool', { description: 'JSON Schema 2020-12', inputSchema: {} }, async () => text('ok'));

// ---- Tools beyond the suite ----
server.registerTool('who_am_i', { description: 'The process that serves this' }, async () => text(String(process.pid)));
server.registerTool('roots', { description: 'Roots of the client' }, async (extra) => text(JSON.stringify((await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema)).roots)));
server.registerTool('wait', { description: 'Waits until it is cancelled' }, async (extra) => {
  await new Promise((resolve) => { extra.signal.addEventListener('abort', () => { process.stderr.write('cancelled\n'); resolve(); }); });
  return text('cancelled');
});
server.registerTool('grow', { description: 'Adds a tool' }, async () => {
  server.registerTool('grown', { description: 'Came later' }, async () => text('grown'));
  return text('done');
});
server.registerTool('big', { description: 'A large answer', inputSchema: { bytes: z.number() } }, async ({ bytes }) => text('x'.repeat(bytes)));
server.registerTool('wide', { description: 'An object of so many members', inputSchema: { members: z.number() } }, async ({ members }) => (
  { ...text('wide'), structuredContent: Object.fromEntries(Array.from({ length: members }, (_, i) => [`m${i}`, i])) }
));
server.registerTool('garbage', { description: 'Writes no JSON-RPC' }, async () => {
  process.stdout.write('not json\n{"jsonrpc":"2.0","id":987654,"result":{}}\n[1,2]\n{"id":{}}\n\u0000\u0001\n{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":4711,"progress":1}}\n');
  return text('survived');
});
server.registerTool('line', { description: 'Writes one line of so many bytes', inputSchema: { bytes: z.number() } }, async ({ bytes }) => {
  process.stdout.write(`${'y'.repeat(bytes)}\n`);
  return text('survived');
});
server.registerTool('flood', { description: 'Logs a lot', inputSchema: { count: z.number() } }, async ({ count }, extra) => {
  for (let i = 0; i < count; i++) await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: `${i} ${'z'.repeat(1000)}` } });
  return text('flooded');
});
server.registerTool('die', { description: 'Ends the process' }, async () => { process.exit(3); });
server.registerTool('touch', { description: 'Says that the watched resource changed' }, async () => {
  await low.sendResourceUpdated({ uri: 'test://watched-resource' });
  return text('touched');
});

// ---- The schema the SDK would not write by itself ----
const list = low._requestHandlers.get('tools/list');
low.setRequestHandler(ListToolsRequestSchema, async (request, extra) => {
  const result = await list(request, extra);
  const tool = result.tools.find((one) => one.name === 'json_schema_2020_12_tool');
  tool.inputSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  };
  return result;
});

// ---- Resources ----
server.registerResource('static-text', 'test://static-text', { description: 'Static text', mimeType: 'text/plain' }, async (uri) => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }] }));
server.registerResource('static-binary', 'test://static-binary', { description: 'Static binary', mimeType: 'image/png' }, async (uri) => ({ contents: [{ uri: uri.href, mimeType: 'image/png', blob: PNG }] }));
server.registerResource('watched', 'test://watched-resource', { description: 'Watched', mimeType: 'text/plain' }, async (uri) => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'Watched resource content' }] }));
server.registerResource('template', new ResourceTemplate('test://template/{id}/data', { list: undefined }), { description: 'Template', mimeType: 'application/json' }, async (uri, { id }) => ({
  contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }],
}));
low.setRequestHandler(SubscribeRequestSchema, async () => ({}));
low.setRequestHandler(UnsubscribeRequestSchema, async () => ({}));
low.setRequestHandler(SetLevelRequestSchema, async () => ({}));
low.setRequestHandler(CompleteRequestSchema, async (request) => ({ completion: { values: ['paris', 'park', 'party'].filter((word) => word.startsWith(request.params.argument.value)), total: 3, hasMore: false } }));

// ---- Prompts ----
const user = (content) => ({ role: 'user', content });
server.registerPrompt('test_simple_prompt', { description: 'Simple prompt' }, async () => ({ messages: [user({ type: 'text', text: 'This is a simple prompt for testing.' })] }));
server.registerPrompt('test_prompt_with_arguments', { description: 'With arguments', argsSchema: { arg1: z.string(), arg2: z.string() } }, async ({ arg1, arg2 }) => ({ messages: [user({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` })] }));
server.registerPrompt('test_prompt_with_embedded_resource', { description: 'With a resource', argsSchema: { resourceUri: z.string() } }, async ({ resourceUri }) => ({
  messages: [user({ type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } }), user({ type: 'text', text: 'Please process the embedded resource above.' })],
}));
server.registerPrompt('test_prompt_with_image', { description: 'With an image' }, async () => ({ messages: [user({ type: 'image', data: PNG, mimeType: 'image/png' }), user({ type: 'text', text: 'Please analyze the image above.' })] }));

process.stderr.write('fixture is up\n');
await server.connect(new StdioServerTransport());

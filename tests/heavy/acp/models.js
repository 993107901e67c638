// Stand-ins of three models' HTTP APIs. Each answers the first question of a turn with a call of the agent's own tool that writes a file,
// and what follows the tool's result with a sentence. `path` and `content` say what is written.
'use strict';

const http = require('node:http');

const DONE = 'The file is written.';
const sse = (reply, frames) => {
  reply.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const frame of frames) reply.write(frame);
  reply.end();
};
const json = (reply, value) => { reply.writeHead(200, { 'content-type': 'application/json' }); reply.end(JSON.stringify(value)); };

// Anthropic Messages.
function anthropic(model, body, reply) {
  const usage = { input_tokens: 11, output_tokens: 7 };
  const hasTool = (body.tools ?? []).some(({ name }) => name === 'Write');
  const isAnswered = JSON.stringify(body.messages).includes('"tool_result"');
  const block = hasTool && !isAnswered
    ? { type: 'tool_use', id: 'toolu_1', name: 'Write', input: { file_path: model.path, content: model.content } }
    : { type: 'text', text: DONE };
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: body.model, content: [block], stop_reason: block.type === 'text' ? 'end_turn' : 'tool_use', stop_sequence: null, usage };
  if (!body.stream) return json(reply, message);
  const delta = block.type === 'text' ? { type: 'text_delta', text: block.text } : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
  const start = block.type === 'text' ? { type: 'text', text: '' } : { ...block, input: {} };
  const events = [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: start },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: message.stop_reason, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
  return sse(reply, events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`));
}

// Gemini generateContent.
function gemini(model, body, reply, url) {
  const text = JSON.stringify(body.contents);
  const hasTool = JSON.stringify(body.tools ?? []).includes('"write_file"');
  const part = hasTool && !text.includes('"functionResponse"')
    ? { functionCall: { name: 'write_file', args: { file_path: model.path, content: model.content } } }
    : { text: body.generationConfig?.responseMimeType === 'application/json' || body.generationConfig?.responseJsonSchema ? '{"complexity_reasoning":"x","complexity_score":10,"reasoning":"x","model_choice":"flash"}' : DONE };
  const answer = { candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 } };
  if (url.includes('countTokens')) return json(reply, { totalTokens: 11 });
  return url.includes('alt=sse') ? sse(reply, [`data: ${JSON.stringify(answer)}\n\n`]) : json(reply, answer);
}

// OpenAI chat completions.
function openai(model, body, reply) {
  const hasTool = (body.tools ?? []).some((tool) => tool.function.name === 'write');
  const isAnswered = body.messages.some(({ role }) => role === 'tool');
  const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'write', arguments: JSON.stringify({ filePath: model.path, content: model.content }) } };
  const isCall = hasTool && !isAnswered;
  const chunk = (delta, reason) => ({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: body.model, choices: [{ index: 0, delta, finish_reason: reason }] });
  if (!body.stream) return json(reply, { id: 'c1', object: 'chat.completion', created: 1, model: body.model, choices: [{ index: 0, message: { role: 'assistant', content: DONE }, finish_reason: 'stop' }], usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } });
  const chunks = [chunk(isCall ? { role: 'assistant', tool_calls: [call] } : { role: 'assistant', content: DONE }, null), chunk({}, isCall ? 'tool_calls' : 'stop'),
    { ...chunk({}, null), choices: [], usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } }];
  return sse(reply, [...chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n']);
}

function startModel(kind) {
  const answer = { anthropic, gemini, openai }[kind];
  const model = { requests: 0 };
  model.server = http.createServer((request, reply) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      model.requests++;
      const text = Buffer.concat(pieces).toString();
      if (request.method !== 'POST' || request.url.includes('count_tokens')) json(reply, { input_tokens: 11, data: [], models: [] });
      else answer(model, JSON.parse(text), reply, request.url);
    });
  });
  return new Promise((resolve) => {
    model.server.listen(0, '127.0.0.1', () => { model.url = `http://127.0.0.1:${model.server.address().port}`; resolve(model); });
  });
}

module.exports = { startModel, DONE };

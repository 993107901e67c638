// An ACP gateway as it stands in a project's container (contract 3.4): HTTP with its envelope, SSE to all and by session. It blocks in a
// prompt until the turn ends, and keeps what it was asked in `requests`.
'use strict';

const http = require('node:http');

const AGENTS = ['opencode', 'claude-code', 'gemini-cli', 'qwen-code', 'codex'];

class RemoteGateway {
  constructor() {
    this.requests = [];
    this.streams = new Set();
    this.counter = 0;
    this.fails = null; // { path, error }: what is refused
    this.turn = () => {}; // what happens in a turn
    this.server = http.createServer((request, reply) => this.serve(request, reply));
  }

  listen(port) {
    return new Promise((resolve) => { this.server.listen(port, '127.0.0.1', () => { this.port = this.server.address().port; resolve(this); }); });
  }

  close() {
    for (const { reply } of this.streams) reply.destroy();
    this.server.closeAllConnections();
    return new Promise((resolve) => { this.server.close(resolve); });
  }

  emit(type, sessionId, data) {
    const frame = `id: ${++this.counter}\nevent: ${type}\ndata: ${JSON.stringify({ type, sessionId, data, timestamp: new Date().toISOString() })}\n\n`;
    for (const stream of this.streams) if (!stream.session || stream.session === sessionId) stream.reply.write(frame);
  }

  update(sessionId, update) { this.emit('session_update', sessionId, { sessionId, update }); }

  say(sessionId, text) { this.update(sessionId, { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } }); }

  serve(request, reply) {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString();
      const body = text ? JSON.parse(text) : undefined;
      this.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
      this.answer(request, reply, body).catch((error) => reply.destroy(error));
    });
  }

  async answer(request, reply, body) {
    const parts = request.url.split('/').slice(1).map(decodeURIComponent);
    const send = (data, status = 200) => { reply.writeHead(status, { 'content-type': 'application/json' }); reply.end(JSON.stringify(data)); };
    const good = (data) => send({ success: true, data });
    if (this.fails?.path === request.url) return send({ success: false, error: this.fails.error }, this.fails.status ?? 200);
    if (parts[0] === 'events') {
      reply.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      reply.write(': connected\n\n');
      const stream = { reply, session: parts[1] };
      this.streams.add(stream);
      reply.on('close', () => this.streams.delete(stream));
      return undefined;
    }
    if (parts[0] === 'health') return send({ status: 'healthy', timestamp: new Date().toISOString() });
    if (parts[0] === 'info') return good({ name: 'ACP Gateway', version: '0.1.0' });
    if (parts[0] === 'agents' && parts.length === 1)
      return good({ agents: AGENTS.map((id) => ({ id, name: id, description: '', requiresAuth: id !== 'opencode', status: 'stopped', authenticated: id === 'opencode' })) });
    if (parts[0] === 'agents' && parts[2] === 'spawn')
      return AGENTS.includes(parts[1]) ? good({ id: parts[1], status: 'running', startedAt: 'now' }) : send({ success: false, error: `Unknown agent: ${parts[1]}` }, 404);
    if (parts[0] === 'agents' && parts[2] === 'stop') return good({ id: parts[1], status: 'stopped' });
    if (parts[0] === 'agents' && parts[3] === 'init') return good({ authUrl: 'https://provider.example/', message: 'go there' });
    if (parts[0] === 'agents' && parts[2] === 'auth') return good({ authenticated: false });
    if (parts[0] === 'agents') return good({ id: parts[1], status: 'stopped', startedAt: null, lastActivity: null, sessionCount: 0, error: null });
    if (parts[0] === 'session' && parts.length === 1) return good({ id: `remote-${++this.counter}`, agentId: body.agentId, status: 'active', createdAt: new Date().toISOString() });
    if (parts[0] === 'session' && parts[2] === 'prompt') {
      await this.turn(parts[1], body.prompt, this);
      return good({ id: parts[1], status: 'processing' });
    }
    if (parts[0] === 'session' && parts[2] === 'cancel') return good({ id: parts[1], status: 'idle' });
    if (parts[0] === 'session') return good({ id: parts[1], status: 'ended' });
    if (parts[0] === 'permission') return good({ id: parts[1], granted: body.granted });
    return send({ success: false, error: 'not found' }, 404);
  }
}

module.exports = { RemoteGateway };

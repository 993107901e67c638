// Peer of the ingest case: Fastify with schema validation and better-sqlite3, WAL, synchronous=FULL, one commit a request.
const path = require('node:path');
const load = (name) => require(path.join(process.env.BENCH_MODULES, name));
const fastify = load('fastify')();
const db = new (load('better-sqlite3'))(process.env.BENCH_DB);

db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, event_type TEXT NOT NULL, timestamp TEXT NOT NULL,
  tool_name TEXT, tool_input TEXT, tool_output TEXT, error TEXT, exit_code INTEGER, reason TEXT, role TEXT, content TEXT);
  CREATE INDEX events_session ON events (session_id, timestamp DESC)`);
const insert = db.prepare(`INSERT INTO events (session_id, event_type, timestamp, tool_name, tool_input, tool_output, error, exit_code, reason, role,
  content) VALUES (?,?,?,?,?,?,?,?,?,?,?)`);

const string = { type: 'string' };
const body = {
  type: 'object',
  required: ['event_type', 'session_id', 'session_name', 'timestamp'],
  properties: { event_type: string, session_id: string, session_name: string, timestamp: string, tool_name: string, tool_input: { type: 'object' },
    error: string, exit_code: { type: 'integer' }, reason: string, role: string, content: { type: 'array' } },
};
const text = (value) => (value ? JSON.stringify(value) : null);

fastify.get('/health', async () => ({ ok: true }));
fastify.get('/count', async () => ({ count: db.prepare('SELECT count(*) AS n FROM events').get().n }));
fastify.post('/events', { schema: { body } }, async (request) => {
  const e = request.body;
  insert.run(e.session_id, e.event_type, e.timestamp, e.tool_name ?? null, text(e.tool_input), text(e.tool_output), e.error ?? null,
    e.exit_code ?? null, e.reason ?? null, e.role ?? null, text(e.content));
  return { ok: true };
});
fastify.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });

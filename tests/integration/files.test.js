// The file manager: the original's answers and sentences, what was added, and every path of the attack corpus over real HTTP.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const os = require('node:os');
const { test, before, after } = require('node:test');
const { Host } = require('./lib/host.js');
const { openEventStream, waitFor } = require('./lib/client.js');
const { eachRow, exchange, rows, statuses } = require('./lib/corpus.js');

const PORT = 3006;
const URL = '/api/files';
const OUTSIDE = 'Access denied: Path is outside allowed directory';

let host;
let folder;
let root;
before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-files-'));
  root = path.join(folder, 'root');
  fs.mkdirSync(root);
  host = await new Host({ config: config(), ports: [PORT] }).start();
});
after(async () => {
  await host.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

function config(more = '') {
  return `listen "127.0.0.1:${PORT}" { family = "desktop" }\nmodule "desktop" {}\nmodule "files" { root = ${JSON.stringify(root)} ${more} }\n`;
}

const at = (...parts) => path.join(root, ...parts);
async function call(method, target, body, headers) {
  const reply = await host.request(method, target, { port: PORT, body, headers });
  return { status: reply.status, ...reply.json() };
}
const change = (body) => call('POST', URL, body);
const list = (query) => call('GET', `${URL}${query}`);
const read = (file, headers) => host.request('GET', `${URL}/read?path=${encodeURIComponent(file)}`, { port: PORT, headers });
const refused = (status, error) => ({ status, success: false, error });

test('a listing: folders first, then by name; items, alias, paging, hidden, pattern', async () => {
  fs.mkdirSync(at('zeta'));
  fs.mkdirSync(at('alpha'));
  fs.writeFileSync(at('b.txt'), 'hello');
  fs.writeFileSync(at('a.md'), '');
  fs.writeFileSync(at('.secret'), '');
  fs.writeFileSync(at('alpha', 'ü x.txt'), 'in');
  fs.utimesSync(at('b.txt'), 1700000000, 1700000000.25);
  const all = await list('');
  assert.equal(all.status, 200);
  assert.equal(all.success, true);
  assert.deepEqual(all.items.map((item) => item.name), ['alpha', 'zeta', 'a.md', 'b.txt']);
  assert.deepEqual(all.files, all.items);
  assert.deepEqual(all.items[3], { id: at('b.txt'), name: 'b.txt', path: 'b.txt', type: 'file', size: 5, modified: '2023-11-14T22:13:20.250Z' });
  assert.equal(all.items[0].type, 'folder');
  assert.deepEqual([all.currentPath, all.showHidden, all.total, all.hasMore], ['/', false, 4, false]);
  const below = await list('?path=/alpha');
  assert.deepEqual([below.currentPath, below.items[0].id, below.items[0].path], ['/alpha', at('alpha', 'ü x.txt'), 'alpha/ü x.txt']);
  assert.deepEqual((await list('?path=alpha/')).items, below.items);
  const hidden = await list('?path=%2F&showHidden=true');
  assert.equal(hidden.showHidden, true);
  assert.ok(hidden.items.some((item) => item.name === '.secret'));
  assert.deepEqual((await list('?pattern=*.txt')).items.map((item) => item.name), ['b.txt']);
  assert.deepEqual((await list('?pattern=lph')).items.map((item) => item.name), ['alpha']);
  const page = await list('?limit=3');
  assert.deepEqual([page.items.length, page.total, page.hasMore, page.nextOffset], [3, 4, true, 3]);
  assert.deepEqual((await list('?limit=3&offset=3')).items.map((item) => item.name), ['b.txt']);
});

test('a link is listed as what it leads to, and folders behind links come first too', async () => {
  fs.mkdirSync(at('links', 'real'), { recursive: true });
  fs.writeFileSync(at('links', 'a-file'), 'x');
  const links = { 'to-folder': 'real', 'to-file': 'a-file', 'to-link': 'to-folder', out: '../../..', away: '/etc', broken: 'none', loop: 'loop' };
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, at('links', name));
  const all = await list('?path=/links');
  assert.deepEqual(all.items.map((item) => [item.name, item.type, item.isLink === true]), [
    ['real', 'folder', false], ['to-folder', 'folder', true], ['to-link', 'folder', true], ['a-file', 'file', false],
    ...['away', 'broken', 'loop', 'out', 'to-file'].map((name) => [name, 'file', true])]);
  assert.equal((await list('?path=/links/to-link')).status, 200);
  fs.rmSync(at('links'), { recursive: true });
});

test('empty query parameters are as good as none', async () => {
  for (const query of ['?path=&showHidden=&pattern=', '?path=/&showHidden&pattern']) {
    const all = await list(query);
    assert.deepEqual([all.status, all.currentPath, all.showHidden], [200, '/', false], query);
  }
  assert.deepEqual(await list('?showHidden=perhaps'), refused(400, 'showHidden must be true or false'));
});

test('what cannot be listed has its sentence', async () => {
  assert.deepEqual(await list('?path=/b.txt'), refused(400, 'Path is not a directory: /b.txt'));
  execFileSync('mkfifo', [at('pipe')]);
  assert.deepEqual(await list('?path=/pipe'), refused(400, 'Path is not a directory: /pipe'));
  fs.unlinkSync(at('pipe'));
  assert.deepEqual(await list('?path=/none'), refused(500, 'ENOENT: no such file or directory: /none'));
  for (const up of ['..', '/..', '/alpha/../..', '../root', '../../../../etc']) assert.deepEqual(await list(`?path=${up}`), refused(403, OUTSIDE), up);
  fs.mkdirSync(`${root}-evil`, { recursive: true });
  assert.deepEqual(await list('?path=../root-evil'), refused(403, OUTSIDE));
  fs.symlinkSync(folder, at('alpha', 'out'));
  assert.deepEqual(await list('?path=/alpha/out'), refused(403, OUTSIDE));
  fs.unlinkSync(at('alpha', 'out'));
  assert.deepEqual(await call('PATCH', URL, {}), refused(404, 'Endpoint not found'));
  assert.equal((await list('?limit=0')).status, 400);
});

test('reading: ranges, validators, sandbox, both forms', async () => {
  const whole = await read('/b.txt');
  assert.deepEqual([whole.status, whole.text, whole.headers['content-type']], [200, 'hello', 'text/plain; charset=utf-8']);
  assert.equal(whole.headers['content-security-policy'], 'sandbox');
  const part = await read('b.txt', { range: 'bytes=1-3' });
  assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, 'ell', 'bytes 1-3/5']);
  assert.equal((await read('b.txt', { 'if-none-match': whole.headers.etag })).status, 304);
  const form = await host.request('GET', `${URL}?path=b.txt&read=true&download=true`, { port: PORT });
  assert.equal(form.text, 'hello');
  assert.match(form.headers['content-disposition'], /^attachment; filename="?b\.txt/);
  for (const twice of ['read?path=b.txt&path=../x', 'read?path=b.txt&p%61th=b.txt', '?path=alpha&path=/']) {
    assert.equal((await host.request('GET', `${URL}${twice[0] === '?' ? '' : '/'}${twice}`, { port: PORT })).status, 400, twice);
  }
  assert.deepEqual((await read('none')).json(), { success: false, error: 'Path not found: none' });
  assert.equal((await read('none')).status, 404);
  assert.deepEqual((await read('alpha')).json(), { success: false, error: 'Path is not a file: alpha' });
});

test('a name that no file system takes is 400', async () => {
  const reply = await change({ action: 'create-folder', path: '/', name: 'x'.repeat(256) });
  assert.equal(reply.status, 400);
  assert.match(reply.error, /longer than 255 bytes/);
});

test('folders are created and things deleted, into the trash first', async () => {
  assert.deepEqual(await change({ action: 'create-folder', path: '/alpha', name: 'new' }),
    { status: 200, success: true, message: 'Folder created', id: at('alpha/new'), name: 'new', path: 'alpha/new' });
  assert.ok(fs.statSync(at('alpha/new')).isDirectory());
  assert.equal((await change({ action: 'create-folder', path: '/', name: 'top' })).message, 'Folder created');
  assert.equal((await change({ action: 'create-folder', path: '/', name: 'top' })).status, 400);
  for (const body of [{}, { path: '/' }, { name: 'x' }, { path: '', name: 'x' }, { path: '/', name: '' }, { path: null, name: 'x' }]) {
    assert.deepEqual(await change({ action: 'create-folder', ...body }), refused(400, 'path and name are required'));
  }
  for (const body of [{}, { path: '' }, { path: null }]) assert.deepEqual(await change({ action: 'delete', ...body }), refused(400, 'path is required'));
  for (const body of [{}, { action: 'x', path: '/' }, { action: null }, { action: 'upload', path: 'a' }, undefined]) assert.deepEqual(await change(body), refused(400, 'Invalid action'));
  assert.deepEqual(await change({ action: 'create-folder', path: '/', name: '../evil' }), refused(403, OUTSIDE));
  assert.deepEqual(await change({ action: 'create-folder', path: '../', name: 'evil' }), refused(403, OUTSIDE));
  assert.deepEqual(await change({ action: 'delete', path: '../root-evil' }), refused(403, OUTSIDE));
  assert.equal((await change({ action: 'delete', path: '/' })).status, 403);
  assert.equal((await change({ action: 'create-folder', path: 7, name: 'x' })).status, 400);
  assert.deepEqual(await change({ action: 'delete', path: '/none' }), refused(404, 'Path not found: none'));
  fs.writeFileSync(at('top', 'f'), 'kept');
  assert.equal((await change({ action: 'delete', path: '/top' })).message, 'Deleted successfully');
  assert.ok(!fs.existsSync(at('top')));
  const [trashed] = fs.readdirSync(at('.backplane-trash'));
  assert.equal(fs.readFileSync(at('.backplane-trash', trashed, 'f'), 'utf8'), 'kept');
  assert.equal((await change({ action: 'delete', path: 'alpha/new', permanent: true })).status, 200);
  assert.equal(fs.readdirSync(at('.backplane-trash')).length, 1);
  assert.equal((await change({ action: 'empty-trash' })).message, 'Trash emptied');
  assert.ok(!fs.existsSync(at('.backplane-trash')));
  assert.equal((await change({ action: 'empty-trash' })).status, 200);
});

test('writing, renaming, moving, copying', async () => {
  assert.equal((await change({ action: 'write', path: 'w/x.txt', content: 'one', parents: true })).path, 'w/x.txt');
  assert.equal((await change({ action: 'write', path: 'w/x.txt', content: 'two' })).status, 200);
  assert.equal((await change({ action: 'write', path: 'w/x.txt', content: 'no', overwrite: false })).status, 400);
  assert.equal(fs.readFileSync(at('w/x.txt'), 'utf8'), 'two');
  const bytes = crypto.randomBytes(1000);
  assert.equal((await change({ action: 'write', path: 'w/bin', content: bytes.toString('base64'), encoding: 'base64' })).status, 200);
  assert.deepEqual(fs.readFileSync(at('w/bin')), bytes);
  assert.deepEqual(await change({ action: 'write', path: 'w/bin', content: 'a*b', encoding: 'base64' }), refused(400, 'content is not base64'));
  assert.deepEqual(await change({ action: 'write', path: 'w/bin' }), refused(400, 'content is required'));
  assert.equal((await change({ action: 'rename', path: 'w/x.txt', name: 'y.txt' })).path, 'w/y.txt');
  assert.equal((await change({ action: 'rename', path: 'w/y.txt', name: '../z' })).status, 400);
  assert.equal((await change({ action: 'copy', path: 'w', to: 'w2' })).status, 200);
  assert.equal((await change({ action: 'copy', path: 'w', to: 'w2' })).status, 400);
  assert.equal((await change({ action: 'copy', path: 'w', to: 'w/inner' })).status, 400);
  fs.mkdirSync(at('repo/.git'), { recursive: true });
  fs.writeFileSync(at('repo/.git/config'), 'secret');
  for (const path of ['repo/.git', 'repo/.git/config', 'repo/.GIT./config']) {
    assert.deepEqual(await change({ action: 'copy', path, to: 'out' }), refused(403, 'Access denied: What belongs to git is not read or written here'));
  }
  fs.rmSync(at('repo'), { recursive: true });
  assert.equal((await change({ action: 'move', path: 'w2/y.txt', to: 'moved/y.txt', parents: true })).id, at('moved/y.txt'));
  assert.equal((await change({ action: 'move', path: 'moved/y.txt', to: 'w/bin' })).status, 400);
  assert.equal((await change({ action: 'move', path: 'moved/y.txt', to: 'w/bin', overwrite: true })).status, 200);
  assert.equal(fs.readFileSync(at('w/bin'), 'utf8'), 'two');
  for (const name of ['.git', '.GIT', 'git~1', '.git.', '.git ']) {
    assert.equal((await change({ action: 'write', path: `w/${name}/hooks/pre-commit`, content: 'x', parents: true })).status, 403, name);
    assert.equal((await change({ action: 'create-folder', path: 'w', name })).status, 403, name);
    assert.equal((await change({ action: 'move', path: 'w/y.txt', to: `w/${name}/config` })).status, 403, name);
  }
  assert.deepEqual(fs.readdirSync(at('w')).sort(), ['bin', 'y.txt']);
});

function form(fields, files) {
  const mark = 'x'.repeat(20);
  const pieces = [];
  for (const [name, value] of Object.entries(fields)) pieces.push(Buffer.from(`--${mark}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`));
  for (const [name, bytes] of files) pieces.push(Buffer.from(`--${mark}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`), bytes, Buffer.from('\r\n'));
  pieces.push(Buffer.from(`--${mark}--\r\n`));
  return { port: PORT, body: Buffer.concat(pieces), headers: { 'content-type': `multipart/form-data; boundary=${mark}` } };
}

test('uploads', async () => {
  const big = crypto.randomBytes(3 << 20);
  const reply = await host.request('POST', `${URL}/upload`, form({ path: '/up/load' }, [['one.bin', big], ['two.txt', Buffer.from('2')]]));
  const { status, files } = { status: reply.status, ...reply.json() };
  assert.equal(status, 200);
  assert.deepEqual(files[0], { id: at('up/load/one.bin'), name: 'one.bin', path: 'up/load/one.bin', size: big.length, sha256: crypto.createHash('sha256').update(big).digest('hex') });
  assert.deepEqual(fs.readFileSync(at('up/load/one.bin')), big);
  assert.equal(fs.readFileSync(at('up/load/two.txt'), 'utf8'), '2');
  assert.equal((await host.request('POST', `${URL}/upload`, form({ path: 'up/load' }, [['two.txt', Buffer.from('3')]]))).status, 400);
  assert.equal((await host.request('POST', `${URL}/upload`, form({ path: 'up/load', overwrite: 'true' }, [['two.txt', Buffer.from('3')]]))).status, 200);
  assert.equal(fs.readFileSync(at('up/load/two.txt'), 'utf8'), '3');
  for (const name of ['../up.txt', 'a/b', '..', '.git']) assert.ok([400, 403].includes((await host.request('POST', `${URL}/upload`, form({}, [[name, Buffer.from('x')]]))).status), name);
  assert.equal((await host.request('POST', `${URL}/upload`, form({ path: '../' }, [['x', Buffer.from('x')]]))).status, 403);
  assert.equal((await host.request('POST', `${URL}/upload`, form({ path: '/' }, []))).status, 400);
});

test('changes are on the live log', async () => {
  const stream = await openEventStream('/api/backplane/live?topics=files.*', { port: host.port() });
  await change({ action: 'create-folder', path: '/', name: 'live' });
  await change({ action: 'rename', path: 'live', name: 'live2' });
  // What was changed before the stream was opened may still come.
  const seen = () => stream.events.map((event) => JSON.parse(event.data).data).filter((data) => data.path.startsWith('live'));
  await waitFor('both events', () => seen().length >= 2);
  assert.deepEqual(seen(), [
    { action: 'create-folder', path: 'live' }, { action: 'rename', path: 'live', to: 'live2' }]);
  stream.close();
});

// ---- The corpus ----

const corpus = rows('paths.jsonl');
const setup = path.join(process.env.BACKPLANE_SHARED || path.join(process.env.BACKPLANE_SOURCE || path.resolve(__dirname, '../..'), '../shared'), 'attack-corpus/paths-setup.sh');
const skip = corpus ? false : 'no attack corpus beside the tree';

const target = (row) => Buffer.from(`GET ${row.url_path} HTTP/1.1\r\nHost: 127.0.0.1:${host.port(PORT)}\r\nConnection: close\r\n\r\n`, 'utf8');
function judge(row, status, text) {
  const where = `${row.id} (${row.why}): ${text.slice(0, 200)}`;
  assert.doesNotMatch(text, /SECRET-OUTSIDE|root:x:0/, where);
  if (row.expect === 'reject') assert.ok(status >= 400 && status < 500, where);
  else assert.ok(status === 200 || (status >= 400 && status < 500), where);
  if (row.expect === 'in-root') assert.ok(status === 200 || status === 404, where);
  if (status === 200) assert.match(text, /\r\n\r\nok\n$/, where);
}

test('every path of the corpus', { skip }, async () => {
  execFileSync('sh', [setup, root]);
  fs.writeFileSync(at('.git/config'), 'SECRET-OUTSIDE');
  await eachRow(corpus.filter((row) => row.url_path), async (row) => {
    const { data } = await exchange(host.port(PORT), target(row));
    judge(row, statuses(data)[0], data.toString('utf8'));
  });
  await eachRow(corpus.filter((row) => row.json_path_b64), async (row) => {
    const raw = Buffer.from(row.json_path_b64, 'base64');
    const json = Buffer.from(JSON.stringify(raw.toString('latin1')), 'latin1');
    for (const action of ['write', 'delete', 'create-folder', 'rename']) {
      if (action === 'create-folder' && row.json_path === '.') continue;
      const name = action === 'rename' || action === 'create-folder' ? ',"name":"x"' : '';
      const body = Buffer.concat([Buffer.from(`{"action":"${action}","content":"x"${name},"path":`), json, Buffer.from('}')]);
      if (row.json_path === '/etc/shadow' && action === 'create-folder') continue; // the leading slash means the root: this is root/etc/shadow
      const reply = await host.request('POST', URL, { port: PORT, body, headers: { 'content-type': 'application/json' } });
      if (row.json_path === 'link_file' && ['delete', 'rename'].includes(action)) {
        fs.rmSync(at('link_file'), { force: true }); // the link itself may go; what it leads to stays
        fs.rmSync(at('x'), { force: true });
        fs.symlinkSync('/etc/hostname', at('link_file'));
        continue;
      }
      assert.ok(reply.status >= 400 && reply.status < 500, `${row.id} ${action} (${row.why}): ${reply.status} ${reply.text}`);
    }
  });
  assert.equal(fs.readFileSync(`${root}sibling/secret`, 'utf8'), 'SECRET-OUTSIDE\n');
  assert.ok(!fs.existsSync('/etc/new.txt'));
});

test('no link leads into what belongs to git', async () => {
  fs.mkdirSync(at('repo', '.git', 'hooks'), { recursive: true });
  fs.writeFileSync(at('repo', '.git', 'config'), 'secret');
  fs.writeFileSync(at('repo', 'seen'), 'open');
  fs.symlinkSync('.git/config', at('repo', 'to-file'));
  fs.symlinkSync('.git', at('repo', 'to-folder'));
  fs.symlinkSync('to-folder/config', at('repo', 'to-link'));
  fs.symlinkSync('seen', at('repo', 'to-seen'));
  for (const name of ['to-file', 'to-link', 'to-folder/config']) {
    const reply = await read(`/repo/${name}`);
    assert.equal(reply.status, 403, name);
    assert.match(reply.json().error, /belongs to git/);
    const copied = await change({ action: 'copy', path: `/repo/${name}`, to: '/repo/copied' });
    assert.equal(copied.status, 403, JSON.stringify(copied));
  }
  assert.equal((await change({ action: 'copy', path: '/repo/to-folder', to: '/repo/copied' })).status, 403);
  assert.ok(!fs.existsSync(at('repo', 'copied')));
  assert.equal((await read('/repo/to-seen')).text, 'open');
  fs.rmSync(at('repo'), { recursive: true });
});

test('a folder swapped with a link to the outside never lets anything out', async () => {
  fs.mkdirSync(path.join(folder, 'outside'));
  fs.writeFileSync(path.join(folder, 'outside/f'), 'SECRET-OUTSIDE');
  fs.mkdirSync(at('swap-a'));
  fs.writeFileSync(at('swap-a/f'), 'ok\n');
  fs.symlinkSync(path.join(folder, 'outside'), at('swap-b'));
  let isOver = false;
  const swap = (async () => {
    while (!isOver) {
      for (const [from, to] of [['swap-a', 'swap'], ['swap', 'swap-a'], ['swap-b', 'swap'], ['swap', 'swap-b']]) {
        fs.renameSync(at(from), at(to));
        await new Promise(setImmediate);
      }
    }
  })();
  let served = 0;
  await eachRow(Array.from({ length: 1200 }, (_, i) => i), async (i) => {
    if (i % 3 === 2) {
      const reply = await host.request('POST', URL, { port: PORT, body: { action: 'write', path: 'swap/f', content: 'ok\n' } });
      assert.ok(reply.status === 200 || (reply.status >= 400 && reply.status < 500), reply.text);
      return;
    }
    const reply = i % 3 ? await host.request('GET', `${URL}?path=swap`, { port: PORT }) : await read('swap/f');
    assert.doesNotMatch(reply.text, /SECRET-OUTSIDE|"outside"/);
    if (reply.status === 200) served++;
  });
  isOver = true;
  await swap;
  assert.ok(served > 0);
  assert.equal(fs.readFileSync(path.join(folder, 'outside/f'), 'utf8'), 'SECRET-OUTSIDE');
});

test('the README\'s read-only rule: only a session\'s worktree may be written', async () => {
  const scripts = path.join(folder, 'scripts');
  fs.cpSync(path.join(process.env.BACKPLANE_SOURCE, 'scripts'), scripts, { recursive: true });
  const readme = fs.readFileSync(path.join(process.env.BACKPLANE_SOURCE, 'modules/files/README.md'), 'utf8');
  const [rule, tests] = [...readme.matchAll(/```lua\n([^]*?)```/g)].map((match) => match[1]);
  fs.mkdirSync(path.join(scripts, 'files'));
  fs.writeFileSync(path.join(scripts, 'files/worktrees.lua'), rule);
  fs.writeFileSync(path.join(scripts, 'files/worktrees.test.lua'), tests);
  const other = await new Host({ config: config(), ports: [PORT], scripts }).start();
  const ask = async (file) => other.request('POST', URL, { port: PORT, body: { action: 'write', path: file, content: 'x', parents: true } });
  assert.equal((await ask('worktrees/a/x')).status, 200);
  const denied = await ask('elsewhere/x');
  assert.deepEqual([denied.status, denied.json().success, denied.json().error], [403, false, 'only files below /worktrees/ are written here']);
  assert.ok(!fs.existsSync(at('elsewhere')));
  await other.stop();
});

test('a root that is not there yet is served once it is', async () => {
  const late = path.join(folder, 'late');
  const other = await new Host({ config: config().replace(JSON.stringify(root), JSON.stringify(late)), ports: [PORT] }).start();
  const ask = () => other.request('GET', URL, { port: PORT });
  assert.equal((await ask()).status, 500);
  fs.mkdirSync(late);
  assert.deepEqual((await ask()).json().items, []);
  await other.stop();
});

test('of the home folder nothing that begins with a dot, and never the host\'s own state', async () => {
  const home = path.join(folder, 'home');
  fs.mkdirSync(path.join(home, '.ssh'), { recursive: true });
  fs.writeFileSync(path.join(home, '.ssh/id'), 'SECRET');
  fs.writeFileSync(path.join(home, 'plain'), 'fine');
  const other = new Host({ config: config().replace(JSON.stringify(root), '""'), ports: [PORT], env: { HOME: home } });
  other.state = path.join(home, 'state');
  await other.start();
  const get = (query) => other.request('GET', query, { port: PORT });
  assert.deepEqual((await get(`${URL}?showHidden=true`)).json().items.map((item) => item.name), ['plain']);
  assert.equal((await get(`${URL}/read?path=.ssh/id`)).status, 403);
  assert.equal((await get(`${URL}/read?path=state/admin.token`)).status, 403);
  assert.equal((await get(`${URL}/read?path=plain`)).text, 'fine');
  await other.stop();
});

test('a root may hold the configuration or lie beside it; the configuration itself and the state are not served', async () => {
  const other = new Host({ ports: [PORT] });
  other.writeConfig(`listen "127.0.0.1:${PORT}" { family = "desktop" }\nmodule "desktop" {}\nmodule "files" { root = ${JSON.stringify(other.folder)} }\n`);
  fs.mkdirSync(path.join(other.folder, 'work'));
  fs.writeFileSync(path.join(other.folder, 'work', 'note.txt'), 'mine');
  await other.start();
  const get = (file) => other.request('GET', `${URL}/read?path=${encodeURIComponent(file)}`, { port: PORT });
  assert.equal((await get('work/note.txt')).text, 'mine');
  for (const own of ['backplane.lua', 'state/admin.token']) {
    const reply = await get(own);
    assert.ok(reply.status >= 400, `${own}: ${reply.status}`);
    assert.ok(!reply.text.includes('listen'));
  }
  const over = await other.request('POST', URL, { port: PORT, body: { action: 'write', path: 'backplane.lua', content: 'x', overwrite: true } });
  assert.ok(over.status >= 400, over.text);
  assert.match(fs.readFileSync(other.configFile, 'utf8'), /listen/);
  await other.stop();
});

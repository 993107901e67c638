// Peer of the files case: a folder's entries with their stat, as the original answered. FOLDER is what is listed.
const http = require('node:http');
const fs = require('node:fs/promises');
const path = require('node:path');

async function list(folder) {
  const entries = await fs.readdir(folder, { withFileTypes: true });
  const items = await Promise.all(
    entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map(async (entry) => {
        const id = path.join(folder, entry.name);
        const stat = await fs.stat(id);
        return { id, name: entry.name, path: entry.name, type: entry.isDirectory() ? 'folder' : 'file', size: stat.size, modified: stat.mtime.toISOString() };
      }),
  );
  items.sort((a, b) => (a.type === b.type ? (a.name < b.name ? -1 : 1) : a.type === 'folder' ? -1 : 1));
  return { success: true, items, files: items, currentPath: '/', showHidden: false };
}

http
  .createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(request.url === '/list' ? JSON.stringify(await list(process.env.FOLDER)) : '{}');
  })
  .listen(Number(process.env.PORT), '127.0.0.1');

// A 100 MB multipart upload to a module: how much the host grows while it is spooled to disk.
import http from 'node:http';
import { memory } from '../lib/proc.mjs';
import { startHost } from '../lib/servers.mjs';
import { fixed } from '../lib/table.mjs';

const SIZE = 100 * 1024 * 1024;
const CHUNK = Buffer.alloc(256 * 1024, 'x');

function upload(port, onProgress) {
  return new Promise((resolve, reject) => {
    const boundary = 'backplane-bench';
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n`;
    const tail = `\r\n--${boundary}--\r\n`;
    const request = http.request({ port, host: '127.0.0.1', method: 'POST', path: '/f/bench-upload/upload', headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': head.length + SIZE + tail.length } }, (response) => {
      let text = '';
      response.on('data', (data) => (text += data));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', reject);
    request.write(head);
    let sent = 0;
    const more = () => {
      onProgress();
      while (sent < SIZE) {
        sent += CHUNK.length;
        if (!request.write(CHUNK)) return request.once('drain', more);
      }
      request.end(tail);
    };
    more();
  });
}

export async function run({ build }) {
  const host = await startHost({ build }, ['module "bench-upload" { path = UPLOAD }']);
  try {
    const before = memory(host.pid).rss;
    let peak = before;
    const answer = await upload(host.port, () => (peak = Math.max(peak, memory(host.pid).rss)));
    const grown = (peak - before) / 1024 / 1024;
    const stored = answer.status === 200 && JSON.parse(answer.text).size === SIZE;
    return [{ case: 'upload', figure: '100 MB upload: growth, MB', value: fixed(grown), line: '<= 2', ok: grown <= 2 && stored, note: stored ? '' : `answer ${answer.status} ${answer.text}` }];
  } finally {
    await host.stop();
  }
}

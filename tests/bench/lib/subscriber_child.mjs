// Child of subscribers.mjs: opens raw subscribers and counts the frames that carry an event.
import net from 'node:net';

let delivered = 0;
let target = Infinity;
let onTarget = null;

/** Counts complete unmasked server frames (RFC 6455 section 5.2) in what has arrived. */
function wsCounter() {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    let frames = 0;
    let at = 0;
    while (rest.length - at >= 2) {
      let length = rest[at + 1] & 127;
      let head = 2;
      if (length === 126) {
        if (rest.length - at < 4) break;
        length = rest.readUInt16BE(at + 2);
        head = 4;
      } else if (length === 127) {
        if (rest.length - at < 10) break;
        length = Number(rest.readBigUInt64BE(at + 2));
        head = 10;
      }
      if (rest.length - at < head + length) break;
      if ((rest[at] & 15) === 1) frames++;
      at += head + length;
    }
    rest = at ? rest.subarray(at) : rest;
    return frames;
  };
}

function sseCounter() {
  let tail = '';
  return (chunk) => {
    const text = tail + chunk.toString('latin1');
    tail = text.slice(-6);
    return (text.match(/\ndata:/g) ?? []).length - (tail.match(/\ndata:/g) ?? []).length;
  };
}

function subscribe({ port, kind, path }, onReady) {
  const socket = net.connect(port, '127.0.0.1');
  const head = kind === 'ws' ? 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n' : 'Accept: text/event-stream\r\n';
  const count = kind === 'ws' ? wsCounter() : sseCounter();
  let open = false;
  let buffered = Buffer.alloc(0);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${head}\r\n`);
  socket.on('data', (chunk) => {
    if (!open) {
      buffered = Buffer.concat([buffered, chunk]);
      const end = buffered.indexOf('\r\n\r\n');
      if (end < 0) return;
      open = true;
      onReady();
      chunk = buffered.subarray(end + 4);
      buffered = null;
    }
    delivered += count(chunk);
    if (delivered >= target) onTarget?.();
  });
  socket.on('error', (error) => process.send({ error: String(error) }));
}

process.on('message', (message) => {
  if (message.open) {
    let ready = 0;
    const { count } = message.open;
    let next = 0;
    const more = () => {
      if (next < count) {
        next++;
        subscribe(message.open, () => {
          if (++ready === count) setTimeout(() => ((delivered = 0), process.send({ ready })), 500);
          else more();
        });
      }
    };
    for (let i = 0; i < Math.min(50, count); i++) more();
  } else if (message.waitFor) {
    const timer = setTimeout(() => onTarget(), 30000);
    onTarget = () => {
      clearTimeout(timer);
      const result = { delivered, complete: delivered >= message.waitFor };
      delivered = 0;
      target = Infinity;
      onTarget = null;
      process.send(result);
    };
    target = message.waitFor;
    if (delivered >= target) onTarget();
  }
});

// The script of the start page: exchanges the one-time code of the start link for a session, and with that shows what waits for a
// person's word. The session's token lives in this tab only (sessionStorage); everything shown is set as text, never as markup.
'use strict';

const KEY = 'backplane-session';
const REFRESH_MS = 3000;
const section = document.getElementById('approvals');
let timer = 0;

function call(method, path, body) {
  const headers = { authorization: `Bearer ${sessionStorage.getItem(KEY)}` };
  if (body) headers['content-type'] = 'application/json';
  return fetch(path, { method, headers, body: body && JSON.stringify(body) });
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function say(text) {
  section.replaceChildren(element('h2', 'Approvals'), element('p', text));
  section.hidden = false;
}

async function decide(id, word) {
  const reply = await call('POST', `/api/backplane/approvals/${encodeURIComponent(id)}/${word}`, {});
  if (!reply.ok) window.alert((await reply.json()).detail);
  await show();
}

function button(label, action) {
  const made = element('button', label);
  made.addEventListener('click', () => { made.disabled = true; action(); });
  return made;
}

function row(approval) {
  const line = document.createElement('tr');
  const facts = document.createElement('td');
  const decision = document.createElement('td');
  facts.append(element('code', JSON.stringify(approval.facts)));
  decision.append(button('Approve', () => decide(approval.id, 'approve')), ' ', button('Deny', () => decide(approval.id, 'deny')));
  line.append(element('td', approval.reason), element('td', approval.principal), element('td', `${approval.module}: ${approval.operation}`), facts, decision);
  return line;
}

function table(approvals) {
  const made = document.createElement('table');
  const head = document.createElement('tr');
  head.append(...['Why', 'Who asks', 'What', 'Facts', ''].map((text) => element('th', text)));
  made.append(head, ...approvals.map(row));
  return made;
}

async function show() {
  clearTimeout(timer);
  const reply = await call('GET', '/api/backplane/approvals?state=pending').catch(() => null);
  if (reply && (reply.status === 401 || reply.status === 403)) {
    sessionStorage.removeItem(KEY);
    say('This session has ended: start the host again for a new link, or use the command "backplane approvals".');
    return;
  }
  if (!reply || !reply.ok) {
    say('The host does not answer; trying again.');
  } else {
    const { approvals } = await reply.json();
    if (approvals.length) section.replaceChildren(element('h2', 'Approvals'), table(approvals));
    else say('Nothing waits for your word.');
  }
  section.hidden = false;
  timer = setTimeout(show, REFRESH_MS);
}

async function begin() {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code) {
    history.replaceState(null, '', location.pathname);
    const reply = await fetch('/api/backplane/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code }) });
    const answer = await reply.json();
    if (!reply.ok) return say(`The link was not accepted: ${answer.detail}.`);
    sessionStorage.setItem(KEY, answer.token);
  }
  if (sessionStorage.getItem(KEY)) await show();
}

begin();

// scripts/lib/install-packages: what it lets packages do to services, with stand-ins for apt-get and systemctl.
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, beforeEach, afterEach } = require('node:test');

const SCRIPT = path.join(process.env.BACKPLANE_SOURCE, 'scripts/lib/install-packages');
const LEFT = '#!/bin/sh\n# for the time of an install by backplane\nexit 101\n';

let folder;
let policy;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backplane-test-'));
  policy = path.join(folder, 'policy-rc.d');
  // A package's script asks the policy before it starts its service, and enables it without asking.
  stand('apt-get', `echo "$*" >>"${folder}/calls"
case "$*" in *install*) "${policy}" docker.service start; echo "policy $?" >>"${folder}/calls"; echo "docker.service enabled enabled" >>"${folder}/units"
exit \${APT_STATUS:-0};; esac`);
  stand('systemctl', `case "$1" in list-unit-files) cat "${folder}/units";; *) echo "systemctl $*" >>"${folder}/calls";; esac`);
  fs.writeFileSync(`${folder}/units`, 'ssh.service enabled enabled\n');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const stand = (name, text) => fs.writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

function install(env = {}) {
  const run = spawnSync(SCRIPT, ['docker.io'], {
    encoding: 'utf8', env: { ...process.env, ...env, PATH: `${folder}:${process.env.PATH}`, BACKPLANE_POLICY_RC_D: policy },
  });
  return { code: run.status, out: run.stdout, err: run.stderr, calls: fs.readFileSync(`${folder}/calls`, 'utf8') };
}

test('a service is neither started nor left enabled, and no policy stays behind', () => {
  const run = install();
  assert.equal(run.code, 0, run.err);
  assert.match(run.calls, /install docker\.io\npolicy 101\n/);
  assert.match(run.calls, /systemctl disable --quiet docker\.service\n$/);
  assert.match(run.out, /not enabled: docker\.service/);
  assert.equal(fs.existsSync(policy), false);
});

test("an administrator's policy is put back, also where the install fails", () => {
  const own = '#!/bin/sh\nexit 104\n';
  fs.writeFileSync(policy, own, { mode: 0o750 });
  const run = install({ APT_STATUS: '100' });
  assert.equal(run.code, 100);
  assert.match(run.calls, /policy 101\nsystemctl disable --quiet docker\.service\n$/);
  assert.equal(fs.readFileSync(policy, 'utf8'), own);
  assert.equal(fs.statSync(policy).mode & 0o777, 0o750);
});

test('what a killed run has left is put right by the next', () => {
  const own = '#!/bin/sh\nexit 104\n';
  fs.writeFileSync(policy, LEFT, { mode: 0o755 });
  fs.writeFileSync(`${policy}.put-aside-by-backplane`, own, { mode: 0o755 });
  assert.equal(install().code, 0);
  assert.equal(fs.readFileSync(policy, 'utf8'), own);
});

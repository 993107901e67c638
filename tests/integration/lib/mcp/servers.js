// Where the real MCP servers of the test packages lie, and our fixture, put where it finds the SDK.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const packages = process.env.NODE_PATH;

const serverFile = (name) => path.join(packages, `@modelcontextprotocol/server-${name}/dist/index.js`);

// ES modules do not look into NODE_PATH: the fixture runs from a folder with a link to the packages.
function fixtureFile(folder) {
  const file = path.join(folder, 'fixture.mjs');
  fs.copyFileSync(path.join(__dirname, 'fixture.mjs'), file);
  fs.symlinkSync(packages, path.join(folder, 'node_modules'));
  return file;
}

module.exports = { serverFile, fixtureFile };

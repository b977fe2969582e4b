#!/usr/bin/env node
// Starts the program of this platform's package, which npm chose by `os` and `cpu`.
'use strict';

const { spawn } = require('node:child_process');

const PACKAGES = { 'linux x64': 'sandgate-linux-x64', 'linux arm64': 'sandgate-linux-arm64' };

const platform = `${process.platform} ${process.arch}`;
const name = PACKAGES[platform];
let program;
try {
  program = require.resolve(`${name}/bin/sandgate`);
} catch {
  console.error(
    name
      ? `sandgate: the package ${name} is not installed. Install without --omit=optional (or --no-optional).`
      : `sandgate: there is no program for ${platform}, only for ${Object.keys(PACKAGES).join(' and ')}.`,
  );
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' });
// A signal to this process is meant for the gateway, which drains; it ends first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`sandgate: ${program} cannot be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});

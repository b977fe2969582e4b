// A gateway with servers, policies and traffic, for the console to show: everything on loopback, in a folder of its own, and
// gone afterwards.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
export const sandgate = process.env.SANDGATE_BIN ?? join(target, 'debug/sandgate');
export const browserFolder = join(target, 'browser');

const KEYS = { 'build-agent': 'key-of-the-build-agent', 'support-desk': 'key-of-the-support-desk', ada: 'key-of-ada' };
/// A name that attempts everything that a name can.
export const HOSTILE = `"><img src=x onerror=window.pwned=1><script>window.pwned=1</script>'\u202e{{7*7}}`;

const tool = (name, description = `Does ${name}`) => ({
  name,
  description,
  inputSchema: { type: 'object', properties: { id: { type: 'string' } } },
});

// An MCP server over HTTP, which knows the legacy era.
export async function server(tools, reply) {
  const sessions = { tools, delay: 0, broken: false };
  const http = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => { text += part; });
    request.on('end', async () => {
      const send = (status, body) => {
        response.writeHead(status, { 'content-type': 'application/json', 'mcp-session-id': 's1' });
        response.end(body === undefined ? '' : JSON.stringify(body));
      };
      if (request.method !== 'POST') return send(405);
      const asked = JSON.parse(text);
      if (asked.id === undefined) return send(202);
      const answer = (result) => send(200, { jsonrpc: '2.0', id: asked.id, result });
      if (asked.method === 'initialize') {
        return answer({ protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'fake', version: '1' } });
      }
      if (asked.method === 'ping') return answer({});
      if (asked.method === 'tools/list') return answer({ tools: sessions.tools });
      if (asked.method === 'tools/call') {
        await new Promise((done) => setTimeout(done, sessions.delay));
        if (sessions.broken) { response.writeHead(503); return response.end('no'); }
        return answer({ content: [{ type: 'text', text: reply(asked.params.name) }] });
      }
      return send(200, { jsonrpc: '2.0', id: asked.id, error: { code: -32601, message: 'no such method' } });
    });
  });
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  return { ...sessions, sessions, url: `http://127.0.0.1:${http.address().port}/mcp`, close: () => { http.closeAllConnections(); http.close(); } };
}

// Starts the gateway. `more`: further lines of its configuration.
export async function stage({ more = '', tools = 0, hostile = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sandgate-console-'));
  const crm = await server([tool('read_customer'), tool('search_customers'), tool('update_customer'), tool('delete_all')], () => 'Write to anna@example.org, card 4111 1111 1111 1111.');
  const files = await server([tool('read_file'), tool('list_directory')], () => 'Nothing personal in here.');
  const names = hostile ? [tool(HOSTILE, HOSTILE)] : [];
  const tickets = await server([...names, tool('lookup'), tool('close'), ...Array.from({ length: tools }, (_, n) => tool(`tool_${n}`))], () => 'It is open.');
  const config = join(folder, 'sandgate.toml');
  const clients = Object.entries(KEYS).map(([name, key]) => {
    const hash = createHash('sha256').update(key).digest('hex');
    const groups = name === 'ada' ? ', groups = ["support"]' : '';
    return `${JSON.stringify(name)} = { token-sha256 = "${hash}"${groups} }`;
  });
  writeFileSync(config, `
[gateway]
listen = "127.0.0.1:0"
watch = false
admin = "${folder}/admin.sock"
[console]
listen = "127.0.0.1:0"
[call-log]
to = "${folder}/calls.jsonl"
[audit]
key = "${folder}/audit.key"
every = "1s"
[clients]
${clients.join('\n')}
[views.support]
groups = ["support"]
clients = ["build-agent", "support-desk"]
allow = ["crm/*", "files/*", "tickets/*"]
deny = ["crm/delete_*"]
[servers.crm]
url = "${crm.url}"
[servers.files]
url = "${files.url}"
[servers.tickets]
url = "${tickets.url}"
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
timeout = "20s"
settings = { rules = [{ who = ["client:ada"], allow = ["*/*"] }, { who = ["*"], allow = ["crm/read_*", "crm/search_*", "files/*", "tickets/*"] }] }
[[interceptors]]
name = "arguments"
plugin = "builtin:argument-validator"
timeout = "20s"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
timeout = "20s"
settings = { entities = ["email", "credit-card"] }
candidate = { settings = { entities = ["email"] } }
${more}`);
  const run = promisify(execFile);
  await run(sandgate, ['audit', 'key', join(folder, 'audit.key'), '--name', 'gateway.example.com']);
  const gateway = spawn(sandgate, ['run', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SANDGATE_CACHE: '' } });
  let log = '';
  gateway.stderr.on('data', (part) => { log += part; });
  const listening = () => log.match(/listening on (http:\/\/\S+)/)?.[1]?.replace(/\u001b.*/, '');
  for (let tried = 0; !listening(); tried += 1) {
    if (gateway.exitCode !== null || tried > 600) throw new Error(`the gateway does not start:\n${log}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  const verb = async (...args) => {
    const { stdout } = await run(sandgate, [...args, '--config', config]);
    return stdout;
  };
  return {
    folder, config, crm, files, tickets, verb,
    url: listening(),
    log: () => log,
    records: () => readFileSync(join(folder, 'calls.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line)),
    // A link into the console.
    link: async (...args) => JSON.parse(await verb('console', '--json', ...args)).url,
    // A client that is in: a function that calls a tool.
    client: async (name, program, at) => {
      const headers = {
        'content-type': 'application/json', accept: 'application/json, text/event-stream',
        authorization: `Bearer ${KEYS[name]}`,
      };
      const post = async (message) => {
        const answer = await fetch(`${listening()}/mcp/${at}`, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
        const session = answer.headers.get('mcp-session-id');
        if (session) headers['mcp-session-id'] = session;
        return answer.text();
      };
      await post({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: program, version: '1.2' } } });
      await post({ method: 'notifications/initialized' });
      let id = 1;
      return (tool, args = {}) => post({ id: ++id, method: 'tools/call', params: { name: tool, arguments: args } });
    },
    stop: async () => {
      const ended = new Promise((done) => gateway.once('exit', done));
      gateway.kill('SIGTERM');
      const killer = setTimeout(() => gateway.kill('SIGKILL'), 10_000);
      if (gateway.exitCode === null) await ended;
      clearTimeout(killer);
      for (const one of [crm, files, tickets]) one.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// A browser with an empty profile.
export async function browser() {
  const { chromium } = await import(join(browserFolder, 'node_modules/playwright-core/index.mjs'));
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

// A client on npm `@modelcontextprotocol/client` 2.x. Speaks both eras: it probes with `server/discover` and falls back
// to `initialize`.
//
// Takes one argument, a plan in JSON (see tests/harness/src/client.rs), and prints in JSON what it saw.

import { Client, ProtocolError, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const plan = JSON.parse(process.argv[2]);

// What a request brought back: its result, or the server's error.
async function seen(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ProtocolError) return { error: { code: error.code, message: error.message } };
    throw error;
  }
}

const { answers } = plan;
const asked = [];
const client = new Client(
  { name: "npm-client", version: "1.0.0" },
  {
    capabilities: answers ? { sampling: {}, elicitation: {}, roots: {} } : {},
    versionNegotiation: { mode: "auto" },
  },
);
if (answers) {
  client.setRequestHandler("sampling/createMessage", async ({ params }) => {
    asked.push(`sampling: ${params.messages[0].content.text}`);
    return { role: "assistant", model: "none", content: { type: "text", text: answers.sampling } };
  });
  client.setRequestHandler("elicitation/create", async ({ params }) => {
    asked.push(`elicitation: ${params.message}`);
    return { action: "accept", content: answers.elicitation };
  });
  client.setRequestHandler("roots/list", async () => {
    asked.push("roots");
    return { roots: answers.roots };
  });
}
const transport =
  "url" in plan
    ? new StreamableHTTPClientTransport(new URL(plan.url))
    : new StdioClientTransport({ command: plan.command, args: plan.args ?? [], env: plan.env });
await client.connect(transport);
const out = { version: client.getNegotiatedProtocolVersion(), capabilities: client.getServerCapabilities() };
const server = client.getServerVersion();
out.server = server && { name: server.name, version: server.version };
out.tools = (await client.listTools()).tools;
if (plan.call) out.call = await seen(client.callTool({ name: plan.call.name, arguments: plan.call.arguments ?? {} }));
if (plan.read) {
  out.resources = (await client.listResources()).resources;
  out.read = await seen(client.readResource({ uri: plan.read }));
}
if (plan.prompt) {
  out.prompts = (await client.listPrompts()).prompts;
  out.prompt = await seen(client.getPrompt({ name: plan.prompt.name, arguments: plan.prompt.arguments ?? {} }));
}
if (plan.calls) {
  out.calls = [];
  for (const call of plan.calls) out.calls.push(await seen(client.callTool(call)));
}
out.asked = asked;
console.log(JSON.stringify(out));
await client.close();

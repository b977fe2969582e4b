// A client on npm `@modelcontextprotocol/sdk` 1.x. Speaks the legacy era alone: `initialize`, session id, GET stream.
//
// Takes one argument, a plan in JSON (see tests/harness/src/client.rs), and prints in JSON what it saw.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";

const plan = JSON.parse(process.argv[2]);

// What a request brought back: its result, or the server's error.
async function seen(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof McpError) return { error: { code: error.code, message: error.message } };
    throw error;
  }
}

const { answers } = plan;
const asked = [];
const client = new Client(
  { name: "sdk-client", version: "1.0.0" },
  { capabilities: answers ? { sampling: {}, elicitation: {}, roots: {} } : {} },
);
if (answers) {
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
    asked.push(`sampling: ${params.messages[0].content.text}`);
    return { role: "assistant", model: "none", content: { type: "text", text: answers.sampling } };
  });
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.push(`elicitation: ${params.message}`);
    return { action: "accept", content: answers.elicitation };
  });
  client.setRequestHandler(ListRootsRequestSchema, async () => {
    asked.push("roots");
    return { roots: answers.roots };
  });
}
let version;
const transport =
  "url" in plan
    ? new StreamableHTTPClientTransport(new URL(plan.url))
    : new StdioClientTransport({ command: plan.command, args: plan.args ?? [], env: plan.env });
// Neither the client nor the stdio transport tells the negotiated version afterwards; both are told it here.
const told = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (v) => {
  version = v;
  told?.(v);
};
await client.connect(transport);
const out = { version, capabilities: client.getServerCapabilities() };
const { name, version: release } = client.getServerVersion();
out.server = { name, version: release };
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

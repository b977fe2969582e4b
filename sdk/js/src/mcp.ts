/**
 * What hooks see of MCP: params, results, content and definitions, of the protocol's revisions up to 2026-07-28.
 * Members that are not named here stay as they are.
 *
 * ```ts
 * import { type mcp, on, plugin } from "sandgate";
 *
 * plugin({
 *   preCall: on("tools/call", (ctx, params) => {
 *     const { name, arguments: given } = params.json<mcp.CallToolParams>();
 *     void [name, given];
 *   }),
 * });
 * ```
 */

// Made by sdk/mcp/generate.py from payloads.schema.json: change that and run it.

/** For whom something is, and how much it matters. */
export interface Annotations {
  /** For whom it is. */
  audience?: ("user" | "assistant")[];
  /** From 0, optional, to 1, required. */
  priority?: number;
  /** When it changed last, by ISO 8601. */
  lastModified?: string;
  /** What is not named above. */
  [member: string]: unknown;
}

/** A picture for user interfaces. */
export interface Icon {
  /** Its URI: HTTPS or `data:`. */
  src: string;
  /** Its MIME type. */
  mimeType?: string;
  /** For example `48x48` or `any`. */
  sizes?: string[];
  /** The background that it is for. */
  theme?: "light" | "dark";
  /** What is not named above. */
  [member: string]: unknown;
}

/** Text. */
export interface TextContent {
  type: "text";
  /** The text itself. */
  text: string;
  annotations?: Annotations;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** A picture. */
export interface ImageContent {
  type: "image";
  /** Its bytes, as base64. */
  data: string;
  /** For example `image/png`. */
  mimeType: string;
  annotations?: Annotations;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** Sound. */
export interface AudioContent {
  type: "audio";
  /** Its bytes, as base64. */
  data: string;
  /** For example `audio/wav`. */
  mimeType: string;
  annotations?: Annotations;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** A resource that can be read, named in a content. */
export interface ResourceLink {
  type: "resource_link";
  /** The resource's URI. */
  uri: string;
  /** Its name for programs. */
  name: string;
  /** Its name for people. */
  title?: string;
  /** What it is; models read it. */
  description?: string;
  /** Its MIME type, where it is known. */
  mimeType?: string;
  /** Bytes, where they are known. */
  size?: number;
  icons?: Icon[];
  annotations?: Annotations;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** A resource's text. */
export interface TextResourceContents {
  /** The resource's URI. */
  uri: string;
  /** The text itself. */
  text: string;
  /** Its MIME type, where it is known. */
  mimeType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** A resource's bytes. */
export interface BlobResourceContents {
  /** The resource's URI. */
  uri: string;
  /** The bytes, as base64. */
  blob: string;
  /** Its MIME type, where it is known. */
  mimeType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** What a resource holds: `text` or `blob` is there. */
export type ResourceContents = TextResourceContents | BlobResourceContents;

/** A resource, within a content. */
export interface EmbeddedResource {
  type: "resource";
  resource: ResourceContents;
  annotations?: Annotations;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** One piece of a result or of a prompt; `type` says which. */
export type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource;

/** The params of `tools/call`. */
export interface CallToolParams {
  /** The tool's name. */
  name: string;
  /** What it is called with, by the tool's own `inputSchema`. */
  arguments?: { [name: string]: unknown };
  /** Answers to what the server asked for, by name. */
  inputResponses?: { [name: string]: unknown };
  /** What the server gave back to itself. */
  requestState?: string;
  /** That it is to run as a task. */
  task?: { [name: string]: unknown };
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The result of `tools/call`. */
export interface CallToolResult {
  /** What models read. */
  content: ContentBlock[];
  /** The same for programs, by the tool's `outputSchema`. */
  structuredContent?: unknown;
  /** The tool failed, and `content` says why. */
  isError?: boolean;
  /** `complete`, or another kind of result. */
  resultType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** What a server says of its tool. Hints: nobody checks them. */
export interface ToolAnnotations {
  /** Its name for people. */
  title?: string;
  /** It changes nothing. */
  readOnlyHint?: boolean;
  /** It may destroy something. */
  destructiveHint?: boolean;
  /** Calling it again changes nothing more. */
  idempotentHint?: boolean;
  /** It reaches out of its own world. */
  openWorldHint?: boolean;
  /** What is not named above. */
  [member: string]: unknown;
}

/** The definition of a tool. */
export interface Tool {
  /** Its name for programs. */
  name: string;
  /** Its name for people. */
  title?: string;
  /** What it does; models read it. */
  description?: string;
  /** The JSON Schema of its arguments. */
  inputSchema: { [name: string]: unknown };
  /** The JSON Schema of `structuredContent`. */
  outputSchema?: { [name: string]: unknown };
  annotations?: ToolAnnotations;
  icons?: Icon[];
  /** How it runs, for example whether as a task. */
  execution?: { [name: string]: unknown };
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The result of `tools/list`. */
export interface ListToolsResult {
  tools: Tool[];
  /** There are more: where they begin. */
  nextCursor?: string;
  /** How long it may be kept, in milliseconds. */
  ttlMs?: number;
  /** For whom it may be kept. */
  cacheScope?: "public" | "private";
  /** `complete`, or another kind of result. */
  resultType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The definition of a resource. */
export interface Resource {
  /** The resource's URI. */
  uri: string;
  /** Its name for programs. */
  name: string;
  /** Its name for people. */
  title?: string;
  /** What it is; models read it. */
  description?: string;
  /** Its MIME type, where it is known. */
  mimeType?: string;
  /** Bytes, where they are known. */
  size?: number;
  icons?: Icon[];
  annotations?: Annotations;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The definition of many resources. */
export interface ResourceTemplate {
  /** Their URIs, as a template by RFC 6570. */
  uriTemplate: string;
  /** Its name for programs. */
  name: string;
  /** Its name for people. */
  title?: string;
  /** What they are; models read it. */
  description?: string;
  /** The MIME type of all of them, where they have one. */
  mimeType?: string;
  icons?: Icon[];
  annotations?: Annotations;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The result of `resources/list`. */
export interface ListResourcesResult {
  resources: Resource[];
  /** There are more: where they begin. */
  nextCursor?: string;
  /** How long it may be kept, in milliseconds. */
  ttlMs?: number;
  /** For whom it may be kept. */
  cacheScope?: "public" | "private";
  /** `complete`, or another kind of result. */
  resultType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The result of `resources/templates/list`. */
export interface ListResourceTemplatesResult {
  resourceTemplates: ResourceTemplate[];
  /** There are more: where they begin. */
  nextCursor?: string;
  /** How long it may be kept, in milliseconds. */
  ttlMs?: number;
  /** For whom it may be kept. */
  cacheScope?: "public" | "private";
  /** `complete`, or another kind of result. */
  resultType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The params of `resources/read`. */
export interface ReadResourceParams {
  /** The resource's URI. */
  uri: string;
  /** Answers to what the server asked for, by name. */
  inputResponses?: { [name: string]: unknown };
  /** What the server gave back to itself. */
  requestState?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The result of `resources/read`. */
export interface ReadResourceResult {
  contents: ResourceContents[];
  /** How long it may be kept, in milliseconds. */
  ttlMs?: number;
  /** For whom it may be kept. */
  cacheScope?: "public" | "private";
  /** `complete`, or another kind of result. */
  resultType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** What a prompt can be given. */
export interface PromptArgument {
  /** Its name for programs. */
  name: string;
  /** Its name for people. */
  title?: string;
  /** What it is; models read it. */
  description?: string;
  /** It has to be given. */
  required?: boolean;
  /** What is not named above. */
  [member: string]: unknown;
}

/** The definition of a prompt. */
export interface Prompt {
  /** Its name for programs. */
  name: string;
  /** Its name for people. */
  title?: string;
  /** What it is for; models read it. */
  description?: string;
  arguments?: PromptArgument[];
  icons?: Icon[];
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** One message of a prompt. */
export interface PromptMessage {
  /** Who speaks. */
  role: "user" | "assistant";
  content: ContentBlock;
  /** What is not named above. */
  [member: string]: unknown;
}

/** The result of `prompts/list`. */
export interface ListPromptsResult {
  prompts: Prompt[];
  /** There are more: where they begin. */
  nextCursor?: string;
  /** How long it may be kept, in milliseconds. */
  ttlMs?: number;
  /** For whom it may be kept. */
  cacheScope?: "public" | "private";
  /** `complete`, or another kind of result. */
  resultType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The params of `prompts/get`. */
export interface GetPromptParams {
  /** The prompt's name. */
  name: string;
  /** What it is given. */
  arguments?: { [name: string]: string };
  /** Answers to what the server asked for, by name. */
  inputResponses?: { [name: string]: unknown };
  /** What the server gave back to itself. */
  requestState?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

/** The result of `prompts/get`. */
export interface GetPromptResult {
  /** What the prompt is for. */
  description?: string;
  messages: PromptMessage[];
  /** `complete`, or another kind of result. */
  resultType?: string;
  /** What implementations add. */
  _meta?: { [name: string]: unknown };
  /** What is not named above. */
  [member: string]: unknown;
}

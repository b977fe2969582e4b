// Package mcp is what hooks see of MCP: params, results, content and definitions, of the protocol's revisions up to 2026-07-28.
//
//	var call mcp.CallToolParams
//	if err := params.Decode("", &call); err != nil {
//		return nil, err
//	}
//
// Members that are not named here are kept in Unknown and written again. A member that may be left out is a pointer, a slice or a
// map; nil is not there. What may be anything is JSON text.
package mcp

// Made by sdk/mcp/generate.py from payloads.schema.json: change that and run it.

import "encoding/json"

// Annotations is for whom something is, and how much it matters.
type Annotations struct {
	// For whom it is.
	Audience []string `json:"audience,omitzero"`
	// From 0, optional, to 1, required.
	Priority *json.Number `json:"priority,omitzero"`
	// When it changed last, by ISO 8601.
	LastModified *string `json:"lastModified,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *Annotations) UnmarshalJSON(text []byte) error {
	type plain Annotations
	return read(text, (*plain)(v), &v.Unknown)
}

func (v Annotations) MarshalJSON() ([]byte, error) {
	type plain Annotations
	return written(plain(v), v.Unknown)
}

// Icon is a picture for user interfaces.
type Icon struct {
	// Its URI: HTTPS or `data:`.
	Src string `json:"src"`
	// Its MIME type.
	MIMEType *string `json:"mimeType,omitzero"`
	// For example `48x48` or `any`.
	Sizes []string `json:"sizes,omitzero"`
	// The background that it is for.
	Theme *string `json:"theme,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *Icon) UnmarshalJSON(text []byte) error {
	type plain Icon
	return read(text, (*plain)(v), &v.Unknown)
}

func (v Icon) MarshalJSON() ([]byte, error) {
	type plain Icon
	return written(plain(v), v.Unknown)
}

// ResourceContents is what a resource holds: `text` or `blob` is there.
type ResourceContents struct {
	// The resource's URI.
	URI string `json:"uri"`
	// The text itself.
	Text *string `json:"text,omitzero"`
	// Its MIME type, where it is known.
	MIMEType *string `json:"mimeType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// The bytes, as base64.
	Blob *string `json:"blob,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ResourceContents) UnmarshalJSON(text []byte) error {
	type plain ResourceContents
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ResourceContents) MarshalJSON() ([]byte, error) {
	type plain ResourceContents
	return written(plain(v), v.Unknown)
}

// ContentBlock is one piece of a result or of a prompt; `type` says which.
type ContentBlock struct {
	// Which of them it is.
	Type string `json:"type"`
	// The text itself.
	Text *string `json:"text,omitzero"`
	// For whom something is, and how much it matters.
	Annotations *Annotations `json:"annotations,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// Its bytes, as base64.
	Data *string `json:"data,omitzero"`
	// For example `image/png`.
	MIMEType *string `json:"mimeType,omitzero"`
	// The resource's URI.
	URI *string `json:"uri,omitzero"`
	// Its name for programs.
	Name *string `json:"name,omitzero"`
	// Its name for people.
	Title *string `json:"title,omitzero"`
	// What it is; models read it.
	Description *string `json:"description,omitzero"`
	// Bytes, where they are known.
	Size *json.Number `json:"size,omitzero"`
	// A picture for user interfaces.
	Icons []Icon `json:"icons,omitzero"`
	// What a resource holds: `text` or `blob` is there.
	Resource *ResourceContents `json:"resource,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ContentBlock) UnmarshalJSON(text []byte) error {
	type plain ContentBlock
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ContentBlock) MarshalJSON() ([]byte, error) {
	type plain ContentBlock
	return written(plain(v), v.Unknown)
}

// CallToolParams is the params of `tools/call`.
type CallToolParams struct {
	// The tool's name.
	Name string `json:"name"`
	// What it is called with, by the tool's own `inputSchema`.
	Arguments json.RawMessage `json:"arguments,omitzero"`
	// Answers to what the server asked for, by name.
	InputResponses json.RawMessage `json:"inputResponses,omitzero"`
	// What the server gave back to itself.
	RequestState *string `json:"requestState,omitzero"`
	// That it is to run as a task.
	Task json.RawMessage `json:"task,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *CallToolParams) UnmarshalJSON(text []byte) error {
	type plain CallToolParams
	return read(text, (*plain)(v), &v.Unknown)
}

func (v CallToolParams) MarshalJSON() ([]byte, error) {
	type plain CallToolParams
	return written(plain(v), v.Unknown)
}

// CallToolResult is the result of `tools/call`.
type CallToolResult struct {
	// What models read.
	Content []ContentBlock `json:"content"`
	// The same for programs, by the tool's `outputSchema`.
	StructuredContent json.RawMessage `json:"structuredContent,omitzero"`
	// The tool failed, and `content` says why.
	IsError *bool `json:"isError,omitzero"`
	// `complete`, or another kind of result.
	ResultType *string `json:"resultType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *CallToolResult) UnmarshalJSON(text []byte) error {
	type plain CallToolResult
	return read(text, (*plain)(v), &v.Unknown)
}

func (v CallToolResult) MarshalJSON() ([]byte, error) {
	type plain CallToolResult
	return written(plain(v), v.Unknown)
}

// ToolAnnotations is what a server says of its tool. Hints: nobody checks them.
type ToolAnnotations struct {
	// Its name for people.
	Title *string `json:"title,omitzero"`
	// It changes nothing.
	ReadOnlyHint *bool `json:"readOnlyHint,omitzero"`
	// It may destroy something.
	DestructiveHint *bool `json:"destructiveHint,omitzero"`
	// Calling it again changes nothing more.
	IdempotentHint *bool `json:"idempotentHint,omitzero"`
	// It reaches out of its own world.
	OpenWorldHint *bool `json:"openWorldHint,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ToolAnnotations) UnmarshalJSON(text []byte) error {
	type plain ToolAnnotations
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ToolAnnotations) MarshalJSON() ([]byte, error) {
	type plain ToolAnnotations
	return written(plain(v), v.Unknown)
}

// Tool is the definition of a tool.
type Tool struct {
	// Its name for programs.
	Name string `json:"name"`
	// Its name for people.
	Title *string `json:"title,omitzero"`
	// What it does; models read it.
	Description *string `json:"description,omitzero"`
	// The JSON Schema of its arguments.
	InputSchema json.RawMessage `json:"inputSchema"`
	// The JSON Schema of `structuredContent`.
	OutputSchema json.RawMessage `json:"outputSchema,omitzero"`
	// What a server says of its tool. Hints: nobody checks them.
	Annotations *ToolAnnotations `json:"annotations,omitzero"`
	// A picture for user interfaces.
	Icons []Icon `json:"icons,omitzero"`
	// How it runs, for example whether as a task.
	Execution json.RawMessage `json:"execution,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *Tool) UnmarshalJSON(text []byte) error {
	type plain Tool
	return read(text, (*plain)(v), &v.Unknown)
}

func (v Tool) MarshalJSON() ([]byte, error) {
	type plain Tool
	return written(plain(v), v.Unknown)
}

// ListToolsResult is the result of `tools/list`.
type ListToolsResult struct {
	// The definition of a tool.
	Tools []Tool `json:"tools"`
	// There are more: where they begin.
	NextCursor *string `json:"nextCursor,omitzero"`
	// How long it may be kept, in milliseconds.
	TTLMs *json.Number `json:"ttlMs,omitzero"`
	// For whom it may be kept.
	CacheScope *string `json:"cacheScope,omitzero"`
	// `complete`, or another kind of result.
	ResultType *string `json:"resultType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ListToolsResult) UnmarshalJSON(text []byte) error {
	type plain ListToolsResult
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ListToolsResult) MarshalJSON() ([]byte, error) {
	type plain ListToolsResult
	return written(plain(v), v.Unknown)
}

// Resource is the definition of a resource.
type Resource struct {
	// The resource's URI.
	URI string `json:"uri"`
	// Its name for programs.
	Name string `json:"name"`
	// Its name for people.
	Title *string `json:"title,omitzero"`
	// What it is; models read it.
	Description *string `json:"description,omitzero"`
	// Its MIME type, where it is known.
	MIMEType *string `json:"mimeType,omitzero"`
	// Bytes, where they are known.
	Size *json.Number `json:"size,omitzero"`
	// A picture for user interfaces.
	Icons []Icon `json:"icons,omitzero"`
	// For whom something is, and how much it matters.
	Annotations *Annotations `json:"annotations,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *Resource) UnmarshalJSON(text []byte) error {
	type plain Resource
	return read(text, (*plain)(v), &v.Unknown)
}

func (v Resource) MarshalJSON() ([]byte, error) {
	type plain Resource
	return written(plain(v), v.Unknown)
}

// ResourceTemplate is the definition of many resources.
type ResourceTemplate struct {
	// Their URIs, as a template by RFC 6570.
	URITemplate string `json:"uriTemplate"`
	// Its name for programs.
	Name string `json:"name"`
	// Its name for people.
	Title *string `json:"title,omitzero"`
	// What they are; models read it.
	Description *string `json:"description,omitzero"`
	// The MIME type of all of them, where they have one.
	MIMEType *string `json:"mimeType,omitzero"`
	// A picture for user interfaces.
	Icons []Icon `json:"icons,omitzero"`
	// For whom something is, and how much it matters.
	Annotations *Annotations `json:"annotations,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ResourceTemplate) UnmarshalJSON(text []byte) error {
	type plain ResourceTemplate
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ResourceTemplate) MarshalJSON() ([]byte, error) {
	type plain ResourceTemplate
	return written(plain(v), v.Unknown)
}

// ListResourcesResult is the result of `resources/list`.
type ListResourcesResult struct {
	// The definition of a resource.
	Resources []Resource `json:"resources"`
	// There are more: where they begin.
	NextCursor *string `json:"nextCursor,omitzero"`
	// How long it may be kept, in milliseconds.
	TTLMs *json.Number `json:"ttlMs,omitzero"`
	// For whom it may be kept.
	CacheScope *string `json:"cacheScope,omitzero"`
	// `complete`, or another kind of result.
	ResultType *string `json:"resultType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ListResourcesResult) UnmarshalJSON(text []byte) error {
	type plain ListResourcesResult
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ListResourcesResult) MarshalJSON() ([]byte, error) {
	type plain ListResourcesResult
	return written(plain(v), v.Unknown)
}

// ListResourceTemplatesResult is the result of `resources/templates/list`.
type ListResourceTemplatesResult struct {
	// The definition of many resources.
	ResourceTemplates []ResourceTemplate `json:"resourceTemplates"`
	// There are more: where they begin.
	NextCursor *string `json:"nextCursor,omitzero"`
	// How long it may be kept, in milliseconds.
	TTLMs *json.Number `json:"ttlMs,omitzero"`
	// For whom it may be kept.
	CacheScope *string `json:"cacheScope,omitzero"`
	// `complete`, or another kind of result.
	ResultType *string `json:"resultType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ListResourceTemplatesResult) UnmarshalJSON(text []byte) error {
	type plain ListResourceTemplatesResult
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ListResourceTemplatesResult) MarshalJSON() ([]byte, error) {
	type plain ListResourceTemplatesResult
	return written(plain(v), v.Unknown)
}

// ReadResourceParams is the params of `resources/read`.
type ReadResourceParams struct {
	// The resource's URI.
	URI string `json:"uri"`
	// Answers to what the server asked for, by name.
	InputResponses json.RawMessage `json:"inputResponses,omitzero"`
	// What the server gave back to itself.
	RequestState *string `json:"requestState,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ReadResourceParams) UnmarshalJSON(text []byte) error {
	type plain ReadResourceParams
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ReadResourceParams) MarshalJSON() ([]byte, error) {
	type plain ReadResourceParams
	return written(plain(v), v.Unknown)
}

// ReadResourceResult is the result of `resources/read`.
type ReadResourceResult struct {
	// What a resource holds: `text` or `blob` is there.
	Contents []ResourceContents `json:"contents"`
	// How long it may be kept, in milliseconds.
	TTLMs *json.Number `json:"ttlMs,omitzero"`
	// For whom it may be kept.
	CacheScope *string `json:"cacheScope,omitzero"`
	// `complete`, or another kind of result.
	ResultType *string `json:"resultType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ReadResourceResult) UnmarshalJSON(text []byte) error {
	type plain ReadResourceResult
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ReadResourceResult) MarshalJSON() ([]byte, error) {
	type plain ReadResourceResult
	return written(plain(v), v.Unknown)
}

// PromptArgument is what a prompt can be given.
type PromptArgument struct {
	// Its name for programs.
	Name string `json:"name"`
	// Its name for people.
	Title *string `json:"title,omitzero"`
	// What it is; models read it.
	Description *string `json:"description,omitzero"`
	// It has to be given.
	Required *bool `json:"required,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *PromptArgument) UnmarshalJSON(text []byte) error {
	type plain PromptArgument
	return read(text, (*plain)(v), &v.Unknown)
}

func (v PromptArgument) MarshalJSON() ([]byte, error) {
	type plain PromptArgument
	return written(plain(v), v.Unknown)
}

// Prompt is the definition of a prompt.
type Prompt struct {
	// Its name for programs.
	Name string `json:"name"`
	// Its name for people.
	Title *string `json:"title,omitzero"`
	// What it is for; models read it.
	Description *string `json:"description,omitzero"`
	// What a prompt can be given.
	Arguments []PromptArgument `json:"arguments,omitzero"`
	// A picture for user interfaces.
	Icons []Icon `json:"icons,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *Prompt) UnmarshalJSON(text []byte) error {
	type plain Prompt
	return read(text, (*plain)(v), &v.Unknown)
}

func (v Prompt) MarshalJSON() ([]byte, error) {
	type plain Prompt
	return written(plain(v), v.Unknown)
}

// PromptMessage is one message of a prompt.
type PromptMessage struct {
	// Who speaks.
	Role string `json:"role"`
	// One piece of a result or of a prompt; `type` says which.
	Content ContentBlock `json:"content"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *PromptMessage) UnmarshalJSON(text []byte) error {
	type plain PromptMessage
	return read(text, (*plain)(v), &v.Unknown)
}

func (v PromptMessage) MarshalJSON() ([]byte, error) {
	type plain PromptMessage
	return written(plain(v), v.Unknown)
}

// ListPromptsResult is the result of `prompts/list`.
type ListPromptsResult struct {
	// The definition of a prompt.
	Prompts []Prompt `json:"prompts"`
	// There are more: where they begin.
	NextCursor *string `json:"nextCursor,omitzero"`
	// How long it may be kept, in milliseconds.
	TTLMs *json.Number `json:"ttlMs,omitzero"`
	// For whom it may be kept.
	CacheScope *string `json:"cacheScope,omitzero"`
	// `complete`, or another kind of result.
	ResultType *string `json:"resultType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *ListPromptsResult) UnmarshalJSON(text []byte) error {
	type plain ListPromptsResult
	return read(text, (*plain)(v), &v.Unknown)
}

func (v ListPromptsResult) MarshalJSON() ([]byte, error) {
	type plain ListPromptsResult
	return written(plain(v), v.Unknown)
}

// GetPromptParams is the params of `prompts/get`.
type GetPromptParams struct {
	// The prompt's name.
	Name string `json:"name"`
	// What it is given.
	Arguments map[string]string `json:"arguments,omitzero"`
	// Answers to what the server asked for, by name.
	InputResponses json.RawMessage `json:"inputResponses,omitzero"`
	// What the server gave back to itself.
	RequestState *string `json:"requestState,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *GetPromptParams) UnmarshalJSON(text []byte) error {
	type plain GetPromptParams
	return read(text, (*plain)(v), &v.Unknown)
}

func (v GetPromptParams) MarshalJSON() ([]byte, error) {
	type plain GetPromptParams
	return written(plain(v), v.Unknown)
}

// GetPromptResult is the result of `prompts/get`.
type GetPromptResult struct {
	// What the prompt is for.
	Description *string `json:"description,omitzero"`
	// One message of a prompt.
	Messages []PromptMessage `json:"messages"`
	// `complete`, or another kind of result.
	ResultType *string `json:"resultType,omitzero"`
	// What implementations add.
	Meta json.RawMessage `json:"_meta,omitzero"`
	// What is not named above, by name.
	Unknown map[string]json.RawMessage `json:"-"`
}

func (v *GetPromptResult) UnmarshalJSON(text []byte) error {
	type plain GetPromptResult
	return read(text, (*plain)(v), &v.Unknown)
}

func (v GetPromptResult) MarshalJSON() ([]byte, error) {
	type plain GetPromptResult
	return written(plain(v), v.Unknown)
}

package double

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Which strings people or models read, as the contract's `texts` has it. What stands where the protocol has machinery of its
// own is left out where it looks like it; everything else is text.

var (
	blocks = []string{"text", "image", "audio", "resource", "resource_link", "tool_use", "tool_result"}
	token  = regexp.MustCompile(`^[!-~]{1,256}$`)
	base64 = regexp.MustCompile(`^[A-Za-z0-9+/=\-_\r\n]*$`)

	name = `[^/",()<>@:\[\]?=; \x00-\x1f\x7f-\x{10ffff}]{1,256}`
	mime = regexp.MustCompile(`^` + name + `/` + name + `(?:; *` + name + `=[!-:<-~]{1,256} *)*$`)

	words = map[string][]string{"result-type": {"complete", "input_required", "task"}, "role": {"user", "assistant"}}
)

var carried = map[string]string{
	"content":           "content",
	"contents":          "contents-list",
	"messages":          "messages",
	"tools":             "definitions",
	"prompts":           "definitions",
	"resources":         "definitions",
	"resourceTemplates": "definitions",
	"clientInfo":        "implementation",
	"serverInfo":        "implementation",
	"task":              "task",
	"tasks":             "tasks",
	"result":            "carried",
	"inputResponses":    "responses",
	"inputRequests":     "requests",
	"_meta":             "meta",
}

var documentOnly = map[string]string{
	"cursor":          "always",
	"nextCursor":      "always",
	"requestState":    "always",
	"taskId":          "token",
	"requestId":       "token",
	"progressToken":   "token",
	"elicitationId":   "token",
	"protocolVersion": "token",
	"resultType":      "result-type",
}

// What a member is, by what it stands in; `*` for every name.
var members = map[string]map[string]string{
	"carried":   carried,
	"responses": {"*": "carried"},
	"requests":  {"*": "request"},
	"request":   {"params": "carried"},
	"meta": {
		"progressToken": "token",
		"traceparent":   "token",
		"tracestate":    "token",
		"io.modelcontextprotocol/protocolVersion": "token",
		"io.modelcontextprotocol/subscriptionId":  "token",
		"io.modelcontextprotocol/logLevel":        "token",
		"io.modelcontextprotocol/related-task":    "task",
		"io.modelcontextprotocol/clientInfo":      "implementation",
		"io.modelcontextprotocol/serverInfo":      "implementation",
	},
	"implementation":      {"version": "token"},
	"task":                {"taskId": "token"},
	"message":             {"role": "role", "content": "content", "_meta": "meta"},
	"contents":            {"mimeType": "mime", "blob": "base64", "_meta": "meta"},
	"definition":          {"mimeType": "mime", "icons": "definitions", "_meta": "meta"},
	"block-image":         {"mimeType": "mime", "data": "base64"},
	"block-audio":         {"mimeType": "mime", "data": "base64"},
	"block-resource":      {"resource": "contents"},
	"block-resource_link": {"mimeType": "mime", "icons": "definitions"},
	"block-tool_use":      {"id": "token"},
	"block-tool_result":   {"toolUseId": "token", "content": "content"},
}

// What an object is, within a list of this.
var elements = map[string]string{
	"content":       "content",
	"tasks":         "task",
	"contents-list": "contents",
	"definitions":   "definition",
	"messages":      "message",
}

type found struct{ pointer, text string }

func texts(written string, root *tree) []found {
	place := "text"
	if root.kind == '{' {
		place = "document"
	}
	return walk(nil, written, root, place, "")
}

func allStrings(written string, root *tree) []found {
	return walk(nil, written, root, "text", "")
}

func keys(all []string, value *tree) []string {
	for index, child := range value.values {
		if value.kind == '{' {
			all = append(all, value.names[index])
		}
		all = keys(all, child)
	}
	return all
}

func walk(all []found, written string, value *tree, place, pointer string) []found {
	switch value.kind {
	case '"':
		if !leavesOut(place, value.text, written[value.start:value.end]) {
			all = append(all, found{pointer, value.text})
		}
	case '[':
		for index, element := range value.values {
			inner := "text"
			if element.kind == '{' && elements[place] != "" {
				inner = elements[place]
			}
			all = walk(all, written, element, inner, fmt.Sprintf("%s/%d", pointer, index))
		}
	case '{':
		place = object(place, value)
		for index, name := range value.names {
			all = walk(all, written, value.values[index], member(place, name), pointer+"/"+escape(name))
		}
	}
	return all
}

func object(place string, value *tree) string {
	switch place {
	case "content":
		if kind := value.member("type"); kind != nil && kind.kind == '"' && slices.Contains(blocks, kind.text) {
			return "block-" + kind.text
		}
		return "text"
	case "contents":
		if uri := value.member("uri"); uri != nil && uri.kind == '"' {
			return place
		}
		return "text"
	}
	if elements[place] != "" {
		return "text"
	}
	return place
}

func member(place, name string) string {
	if strings.HasPrefix(place, "block-") {
		switch name {
		case "type":
			return "always"
		case "_meta":
			return "meta"
		}
	}
	if place == "document" {
		if kind, known := documentOnly[name]; known {
			return kind
		}
		place = "carried"
	}
	for _, known := range []string{"*", name} {
		if kind := members[place][known]; kind != "" {
			return kind
		}
	}
	return "text"
}

func leavesOut(place, content, written string) bool {
	switch place {
	case "always":
		return true
	case "token":
		// Machinery is not written with escapes.
		return token.MatchString(content) && !strings.Contains(written, `\`)
	case "mime":
		return mime.MatchString(content)
	case "base64":
		return base64.MatchString(content)
	}
	return slices.Contains(words[place], content)
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

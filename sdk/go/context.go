package sandgate

import (
	"encoding/json"
	"time"

	"sandgate/internal/border"
)

// Context is who calls what, as the gateway established it. Each method asks the gateway.
type Context struct{ exchange border.Exchange }

// ID is the same for the request and its reply, and in the call log.
func (c *Context) ID() string { return c.exchange.ID() }

// Method is the MCP method, for example `tools/call`.
func (c *Context) Method() string { return c.exchange.Method() }

// Direction is `client-to-server` or `server-to-client`.
func (c *Context) Direction() string { return c.exchange.Direction() }

// Server is the server's name in the gateway's configuration.
func (c *Context) Server() string { return c.exchange.Server() }

// Target is the tool or prompt name or resource URI, by the server's own name for it; false where there is none.
func (c *Context) Target() (string, bool) { return c.exchange.Target() }

// Session is a keyed pseudonym of the conversation; false where the protocol has none.
func (c *Context) Session() (string, bool) { return c.exchange.Session() }

// Principal is the authenticated caller; false when anonymous.
func (c *Context) Principal() (string, bool) { return c.exchange.Principal() }

// Definition is what the server said of the target (description, schemas, annotations) as JSON text; false where the gateway
// has none.
func (c *Context) Definition() (string, bool) { return c.exchange.Definition() }

// Params are, in a post-call, the params as they were sent; nil where the gateway cannot know them.
func (c *Context) Params() *Document {
	source, known := c.exchange.Params()
	if !known {
		return nil
	}
	return &Document{source: source}
}

// Failed says, in a post-call, that the reply is a JSON-RPC error and the document is the error object.
func (c *Context) Failed() bool { return c.exchange.Failed() }

// Remaining is what is left for this hook run.
func (c *Context) Remaining() time.Duration {
	return time.Duration(c.exchange.RemainingMicroseconds()) * time.Microsecond
}

// Carry leaves a note for this interceptor's post-call of the same exchange, which runs in another instance: nothing else
// that a hook keeps is there.
func (c *Context) Carry(note []byte) { c.exchange.Carry(note) }

// Carried is the note that this interceptor's pre-call left; false where it left none.
func (c *Context) Carried() ([]byte, bool) { return c.exchange.Carried() }

// Attribute is anything else by name, for example `client.name`, `protocol.version`.
func (c *Context) Attribute(name string) (string, bool) {
	return c.exchange.Attribute(valid(name, "name"))
}

// Groups are the caller's.
func (c *Context) Groups() []string {
	var groups []string
	if text, known := c.exchange.Attribute("groups"); known {
		// The gateway writes them.
		_ = json.Unmarshal([]byte(text), &groups)
	}
	return groups
}

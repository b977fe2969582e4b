package sandgate

import "fmt"

// PreFunc runs before a request or notification goes on. A nil decision: what it changed in the document, if anything, and
// the call goes on. An error is a malfunction, never a refusal: the operator's failure policy answers it.
type PreFunc func(ctx *Context, params *Document) (PreDecision, error)

// PostFunc runs on the reply, before its asker sees it; otherwise as [PreFunc].
type PostFunc func(ctx *Context, reply *Document) (PostDecision, error)

// Hook is one registered function.
type Hook struct {
	kind   kind
	events []string
	role   string
	run    func(ctx *Context, document *Document) (decision any, err error)
	// Where it is defined, for what goes wrong without a place of its own; as a frame once the plugin is configured.
	entry uintptr
	place string
}

type kind string

const (
	preCall  kind = "pre-call"
	postCall kind = "post-call"

	validation = "validation"
	mutation   = "mutation"
)

// The one plugin: a component is one.
var plugin struct {
	hooks     []*Hook
	configure func(issues *Issues)
	settings  settings
	// Its settings are in place, and its own function ran.
	configured bool
}

// PreCall registers a function for these events: MCP methods, `*` standing for any characters. Call it in an init function.
// It is a validation, which sees the final bytes and may only refuse, unless [Hook.Mutation] says that it changes something.
func PreCall(f PreFunc, events ...string) *Hook {
	if f == nil {
		panic("sandgate.PreCall: a function is wanted")
	}
	return register(preCall, validation, events, entry(f), func(ctx *Context, document *Document) (any, error) {
		decision, err := f(ctx, document)
		if decision == nil {
			return nil, err
		}
		return decision, err
	})
}

// PostCall registers a function for these events. It is a mutation unless [Hook.Validation] says that it only judges.
func PostCall(f PostFunc, events ...string) *Hook {
	if f == nil {
		panic("sandgate.PostCall: a function is wanted")
	}
	return register(postCall, mutation, events, entry(f), func(ctx *Context, document *Document) (any, error) {
		decision, err := f(ctx, document)
		if decision == nil {
			return nil, err
		}
		return decision, err
	})
}

// Mutation says that the hook may change what passes.
func (h *Hook) Mutation() *Hook {
	h.role = mutation
	return h
}

// Validation says that the hook only judges.
func (h *Hook) Validation() *Hook {
	h.role = validation
	return h
}

// Configure registers what runs once, when the gateway prepares the plugin, after the settings are in place. It sees nothing
// but the settings; time and randomness are fixed. What can be computed ahead belongs here. What it adds to issues is wrong
// with the settings.
func Configure(f func(issues *Issues)) {
	if plugin.configure != nil {
		panic("sandgate.Configure: a plugin has one")
	}
	plugin.configure = f
}

func register(kind kind, role string, events []string, entry uintptr, run func(*Context, *Document) (any, error)) *Hook {
	if len(events) == 0 {
		panic(fmt.Sprintf("sandgate: a %s hook is for no event: name MCP methods, for example \"tools/call\"", kind))
	}
	hook := &Hook{kind: kind, events: events, role: role, run: run, entry: entry}
	plugin.hooks = append(plugin.hooks, hook)
	return hook
}

func (h *Hook) isFor(method string) bool {
	for _, event := range h.events {
		if GlobMatches(event, method) {
			return true
		}
	}
	return false
}

// Package bridge lets package sandgatetest run what is registered, which package sandgate keeps to itself.
package bridge

import "sandgate/internal/border"

// Outcome of a hook run. The pointers are those of package sandgate's types.
type Outcome struct {
	Refusal, Fault any
	// JSON text of a replacement or an answer.
	Replacement, Answer *string
	Edits               any
	// "validation" or "mutation", and the frame of the hook that decided.
	Role, Place string
}

// Set by package sandgate.
var (
	// Run runs the hooks of a kind; false where none is for the method.
	Run func(kind, method string, exchange border.Exchange, source border.Source) (Outcome, bool)
	// Configure gives pointer and message of each issue.
	Configure func(settings string) [][2]string
	// Open makes a document and a context of what stands behind them.
	Document func(source border.Source) any
	Context  func(exchange border.Exchange) any
)

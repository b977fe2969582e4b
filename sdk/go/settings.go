package sandgate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Issue is what is wrong with the settings, and where: a JSON Pointer into them, empty for the whole.
type Issue struct{ Pointer, Message string }

// Issues are everything that is wrong with the settings, so that the operator mends it in one go.
type Issues struct{ all []Issue }

// Add adds one more. The message says what was wrong and what to do.
func (i *Issues) Add(pointer, message string) {
	i.all = append(i.all, Issue{valid(pointer, "pointer"), valid(message, "message")})
}

type settings interface {
	fill(text string) []Issue
	schema() schema
}

type declared[T any] struct {
	into     *T
	defaults []byte
}

// Settings declares what the operator may set: a struct, whose fields are named by their `json` tags. It gives the struct
// that holds the defaults until the gateway has configured the plugin, and what the operator set afterwards.
//
// The gateway has checked it before it arrives, against a schema that `go run . manifest --write` derives from the struct and
// its defaults. More tags say more: `doc` (a description), `min`, `max`, `minLength`, `maxLength`, `minItems`, `maxItems`,
// `pattern`, `enum` (texts with commas between), and `required:"true"` for what has no default.
func Settings[T any](defaults T) *T {
	if plugin.settings != nil {
		panic("sandgate.Settings: a plugin has one")
	}
	text, err := json.Marshal(defaults)
	if err != nil {
		panic("sandgate.Settings: " + err.Error())
	}
	given := declared[T]{into: &defaults, defaults: text}
	plugin.settings = given
	return given.into
}

func (d declared[T]) fill(text string) []Issue {
	// A value of its own: what is decoded into a map or list would otherwise change the defaults'.
	var made T
	if err := json.Unmarshal(d.defaults, &made); err != nil {
		return []Issue{{"", err.Error()}}
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&made); err != nil {
		return []Issue{unfit(err)}
	}
	*d.into = made
	return nil
}

func unfit(err error) Issue {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		pointer := ""
		if kind.Field != "" {
			pointer = "/" + strings.ReplaceAll(kind.Field, ".", "/")
		}
		return Issue{pointer, fmt.Sprintf("%s is wanted", kind.Type)}
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return Issue{"/" + EscapePointer(strings.Trim(name, `"`)), "there is no such setting"}
	}
	return Issue{"", err.Error()}
}

// One configuration of the plugin: its settings put in place, then its own function.
func configure(text string) (issues []Issue) {
	plugin.configured = true
	defer func() {
		if failure := recovered(recover(), plugin.hooks); failure != nil {
			issues = []Issue{{"", failure.text()}}
		}
	}()
	if plugin.settings == nil {
		var none map[string]any
		if err := json.Unmarshal([]byte(text), &none); err != nil {
			return []Issue{{"", "a table is wanted"}}
		}
		for _, name := range sorted(none) {
			issues = append(issues, Issue{"/" + EscapePointer(name), "this plugin has nothing to set"})
		}
	} else {
		issues = plugin.settings.fill(text)
	}
	if len(issues) > 0 || plugin.configure == nil {
		return issues
	}
	var found Issues
	plugin.configure(&found)
	return slices.Clone(found.all)
}

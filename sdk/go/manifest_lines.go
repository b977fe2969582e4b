//go:build !wasip1

package sandgate

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// What a native test takes from the manifest in the package's folder, which is where `go test` runs it. TOML that is written in
// another way than `sandgate plugin new` writes it is left to `sandgate plugin build`.
type manifest struct {
	asks  []string
	hooks map[kind]map[string]string
	// All of it, for names that stand where they are not read.
	text string
}

// The manifest; nil where there is none, as for hooks that a test registers itself.
func manifestHere() *manifest {
	text, err := os.ReadFile(manifestFile)
	if err != nil {
		return nil
	}
	made := &manifest{hooks: map[kind]map[string]string{}, text: string(text)}
	table := ""
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[[") {
			table = strings.Trim(strings.TrimSpace(strings.Split(line, "#")[0]), "[] ")
			if asked, is := strings.CutPrefix(table, "asks."); is {
				made.asks = append(made.asks, strings.Split(asked, ".")[0])
			}
			if of, is := strings.CutPrefix(table, "hooks."); is && made.hooks[kind(of)] == nil {
				made.hooks[kind(of)] = map[string]string{}
			}
			continue
		}
		key, value, is := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !is || strings.HasPrefix(line, "#") {
			continue
		}
		if table == "asks" {
			made.asks = append(made.asks, strings.Split(key, ".")[0])
		} else if asked, is := strings.CutPrefix(key, "asks"); is && table == "" {
			made.asks = append(made.asks, strings.Split(strings.TrimPrefix(asked, "."), ".")[0])
		}
		if of, is := strings.CutPrefix(table, "hooks."); is {
			made.hooks[kind(of)][key] = strings.TrimSpace(value)
		}
	}
	return made
}

// Whether it asks for this, or says so in a way that is not read here.
func (m *manifest) asksFor(what string) bool {
	return m == nil || slices.Contains(m.asks, what) || slices.Contains(m.asks, "")
}

// What it says of the hooks otherwise than the source; nil where it says the same, or in a way that is not read here.
func (m *manifest) differs() error {
	if m == nil || len(m.hooks) == 0 {
		return nil
	}
	hooks, err := registered(plugin.hooks)
	if err != nil {
		return err
	}
	for of := range m.hooks {
		if !slices.ContainsFunc(plugin.hooks, func(hook *Hook) bool { return hook.kind == of }) {
			return fmt.Errorf("%s has [hooks.%s], and the source registers none; `go run . manifest --write` puts it right", manifestFile, of)
		}
	}
	for _, hook := range hooks {
		said, known := m.hooks[hook.kind]
		if !known && !strings.Contains(m.text, string(hook.kind)) {
			return fmt.Errorf("%s has no [hooks.%s]: the gateway never calls this hook; `go run . manifest --write` puts it right", manifestFile, hook.kind)
		}
		var role string
		var events []string
		if !known || json.Unmarshal([]byte(said["type"]), &role) != nil || json.Unmarshal([]byte(said["events"]), &events) != nil {
			continue
		}
		slices.Sort(events)
		if role != hook.Type || !slices.Equal(events, slices.Sorted(slices.Values(hook.Events))) {
			return fmt.Errorf("%s: the %s is another than the source registers (type %q, events %q); `go run . manifest --write` puts it right",
				manifestFile, hook.kind, hook.Type, hook.Events)
		}
	}
	return nil
}

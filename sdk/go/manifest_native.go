//go:build !wasip1

package sandgate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	manifestFile = "plugin.toml"
	// Where the schema of the struct is put.
	schemaFile = "settings.schema.json"
)

// Puts the hooks of the source into the manifest, in place of those there; where the source declares settings and the file
// has no schema of its own, their schema into settings.schema.json.
func writeManifest(folder string, hooks []*table, declared settings) error {
	if len(hooks) == 0 {
		return fmt.Errorf("the source registers no hook: call sandgate.PreCall or sandgate.PostCall in an init function")
	}
	path := filepath.Join(folder, manifestFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: it names the plugin and says what it asks for", err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if said, has := settingsOf(lines); declared != nil && (!has || said == fmt.Sprintf("%q", schemaFile)) {
		var schema bytes.Buffer
		encoder := json.NewEncoder(&schema)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(declared.schema()); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, schemaFile), schema.Bytes(), 0o666); err != nil {
			return err
		}
		if !has {
			lines = withSettings(lines)
		}
	}
	lines = withHooks(lines, hooks)
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o666)
}

// What stands behind the key `settings`, and whether there is any.
func settingsOf(lines []string) (string, bool) {
	within := false
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			within = true
			if header := strings.Trim(line, "[] "); header == "settings" || strings.HasPrefix(header, "settings.") {
				return "", true
			}
		}
		key, value, _ := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !within && (key == "settings" || strings.HasPrefix(key, "settings.")) {
			value, _, _ = strings.Cut(value, "#")
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// Before the first table.
func withSettings(lines []string) []string {
	first := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "[") })
	if first < 0 {
		first = len(lines)
	}
	for first > 0 && strings.TrimSpace(lines[first-1]) == "" {
		first--
	}
	return slices.Insert(lines, first, fmt.Sprintf("settings = %q", schemaFile))
}

func withHooks(lines []string, hooks []*table) []string {
	var kept []string
	within := false
	for _, line := range lines {
		if word := strings.TrimSpace(line); strings.HasPrefix(word, "[") {
			within = strings.HasPrefix(word, "[hooks]") || strings.HasPrefix(word, "[hooks.")
		}
		if !within {
			kept = append(kept, line)
		}
	}
	for len(kept) > 0 && strings.TrimSpace(kept[len(kept)-1]) == "" {
		kept = kept[:len(kept)-1]
	}
	for _, hook := range hooks {
		events := make([]string, len(hook.Events))
		for index, event := range hook.Events {
			events[index] = toJSON(event)
		}
		kept = append(kept, "", fmt.Sprintf("[hooks.%s]", hook.kind), fmt.Sprintf("type = %q", hook.Type),
			fmt.Sprintf("events = [%s]", strings.Join(events, ", ")))
	}
	return kept
}

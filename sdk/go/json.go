package sandgate

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The JSON text of a value. A json.RawMessage stays as it is.
func toJSON(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		// Without the error's own text, which may repeat the value.
		misuse("a value of type %T cannot be written as JSON", value)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// The value of a JSON text, its numbers as they are written.
func fromJSON(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		misuse("no JSON: %T", err)
	}
	return value
}

// The text itself, where it can cross the border: anything else would end the run without a word.
func valid(text, what string) string {
	if !utf8.ValidString(text) {
		misuse("%s: not UTF-8", what)
	}
	return text
}

// Package double stands in for the gateway in tests: documents and exchanges in memory, and what hooks reported. It is for
// tests only: it reads a document anew for every question.
package double

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A value: where its text begins and ends, and what it holds.
type tree struct {
	start, end int
	kind       byte // '{', '[', '"', or 0 for all others.
	text       string
	names      []string
	values     []*tree
}

func (t *tree) member(name string) *tree {
	if t.kind == '{' {
		for index, known := range t.names {
			if known == name {
				return t.values[index]
			}
		}
	}
	return nil
}

// Reads a JSON text; refuses what is none, and members that stand twice.
func parse(text string) (*tree, error) {
	if !json.Valid([]byte(text)) {
		return nil, errors.New("no JSON")
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return value(decoder, text)
}

func value(decoder *json.Decoder, text string) (*tree, error) {
	before := int(decoder.InputOffset())
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	made := &tree{start: before + len(text[before:]) - len(strings.TrimLeft(text[before:], " \t\r\n,:")), end: int(decoder.InputOffset())}
	switch token := token.(type) {
	case string:
		made.kind, made.text = '"', token
	case json.Delim:
		made.kind = byte(token)
		for decoder.More() {
			if token == '{' {
				name, err := decoder.Token()
				if err != nil {
					return nil, err
				}
				if made.member(name.(string)) != nil {
					return nil, fmt.Errorf("no JSON: the member %q stands twice", name)
				}
				made.names = append(made.names, name.(string))
			}
			child, err := value(decoder, text)
			if err != nil {
				return nil, err
			}
			made.values = append(made.values, child)
		}
		if _, err := decoder.Token(); err != nil {
			return nil, err
		}
		made.end = int(decoder.InputOffset())
	}
	return made, nil
}

// Canonical is a JSON text with its members sorted and nothing between them, so that two can be compared.
func Canonical(text string) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	return marshal(value)
}

func marshal(value any) (string, error) {
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(made.String(), "\n"), err
}

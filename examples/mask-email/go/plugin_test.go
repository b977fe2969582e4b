package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sandgate/sandgatetest"
)

// A fixture's key with its text in quotes; Go's library reads no TOML, and the fixtures are written by one program.
func key(fixture, name string) string {
	found := regexp.MustCompile(`(?m)^` + name + ` = (.*)$`).FindStringSubmatch(fixture)
	if found == nil {
		return ""
	}
	if text, literal := strings.CutPrefix(found[1], "'"); literal {
		return strings.TrimSuffix(text, "'")
	}
	var text string
	if err := json.Unmarshal([]byte(found[1]), &text); err != nil {
		panic(err)
	}
	return text
}

func TestTheSharedFixturesComeToTheDecisionsThatTheyExpect(t *testing.T) {
	files, _ := filepath.Glob("../fixtures/*.toml")
	if len(files) != 200 {
		t.Fatal(len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fixture := string(text)
		call := sandgatetest.Call{Method: key(fixture, "event")}
		var outcome sandgatetest.Outcome
		if key(fixture, "hook") == "pre-call" {
			outcome = call.PreCall(key(fixture, "params"))
		} else {
			outcome = call.PostCall(key(fixture, "reply"))
		}
		if decision := key(fixture, "decision"); outcome.Decision != decision {
			t.Errorf("%s: %s, not %s", file, outcome.Decision, decision)
		}
		if document := key(fixture, "document"); document != "" {
			if wanted := sandgatetest.Document(document); !same(wanted.JSON(), outcome.After) {
				t.Errorf("%s: %s", file, outcome.After)
			}
		}
	}
}

func same(a, b string) bool {
	var one, other any
	if json.Unmarshal([]byte(a), &one) != nil || json.Unmarshal([]byte(b), &other) != nil {
		return false
	}
	first, _ := json.Marshal(one)
	second, _ := json.Marshal(other)
	return string(first) == string(second)
}

func TestAddressesAreMaskedAndNothingElseIsTouched(t *testing.T) {
	outcome := sandgatetest.PostCall(
		`{"content":[{"type":"text","text":"Write to jane.doe@example.com."},{"type":"text","text":"or not"}]}`)
	if len(outcome.Edits) != 1 || outcome.Edits[0].Value != "Write to [email]." {
		t.Fatalf("%+v", outcome.Edits)
	}
}

func TestRmRfIsRefused(t *testing.T) {
	outcome := sandgatetest.PreCall(`{"name":"shell","arguments":{"command":"rm -rf /"}}`)
	if outcome.Refusal == nil || outcome.Refusal.Code != "command.destructive" {
		t.Fatalf("%+v", outcome)
	}
}

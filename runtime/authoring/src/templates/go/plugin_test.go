package main

import (
	"testing"

	"sandgate/sandgatetest"
)
{{#post}}

func TestAddressesAreMasked(t *testing.T) {
	outcome := sandgatetest.PostCall(`{"content":[{"type":"text","text":"Write to jane.doe@example.com."}]}`)
	if outcome.After != `{"content":[{"text":"Write to [email].","type":"text"}]}` {
		t.Fatal(outcome.After)
	}
}
{{/post}}
{{#pre}}

func TestRmRfIsRefused(t *testing.T) {
	outcome := sandgatetest.PreCall(`{"name":"shell","arguments":{"command":"rm -rf /"}}`)
	if outcome.Decision != "refuse" || outcome.Refusal.Code != "command.destructive" {
		t.Fatalf("%+v", outcome)
	}
}
{{/pre}}

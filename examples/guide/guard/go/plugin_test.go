package main

import (
	"testing"

	"sandgate/sandgatetest"
)

func TestOnlyAdminsDelete(t *testing.T) {
	call := sandgatetest.Call{Target: "delete_note", Groups: []string{"staff"}}
	refused := call.PreCall(`{"name":"delete_note","arguments":{"id":7}}`)
	if refused.Decision != "refuse" || refused.Refusal.Code != "delete.forbidden" {
		t.Fatalf("%+v", refused)
	}
	call.Groups = []string{"admins"}
	if allowed := call.PreCall(`{"name":"delete_note"}`); allowed.Decision != "proceed" {
		t.Fatalf("%+v", allowed)
	}
}

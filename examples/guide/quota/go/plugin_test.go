package main

import (
	"testing"

	"sandgate/sandgatetest"
)

func TestOneTooManyIsRefused(t *testing.T) {
	sandgatetest.Configure(map[string]int{"calls": 1})
	ada := sandgatetest.Call{Principal: "ada"}
	if first := ada.PreCall(`{"name":"search"}`); first.Decision != "proceed" {
		t.Fatalf("%+v", first)
	}
	if second := ada.PreCall(`{"name":"search"}`); second.Decision != "refuse" {
		t.Fatalf("%+v", second)
	}
}

package main

import (
	"testing"
	"time"

	"sandgate/http"
	"sandgate/sandgatetest"
)

func TestALateAnswerLetsTheCallGoOn(t *testing.T) {
	sandgatetest.AnswerHTTPLate("https://tools.example.com/known", time.Second, http.Reply{})
	came := sandgatetest.Call{Target: "search"}.PreCall(`{"name":"search"}`)
	if came.Decision != "proceed" || len(came.Findings) != 1 {
		t.Fatalf("%+v", came)
	}
	sandgatetest.FailHTTP("https://tools.example.com/known", http.ErrRefused)
	if came := (sandgatetest.Call{Target: "search"}).PreCall(`{"name":"search"}`); came.Decision != "refuse" {
		t.Fatalf("%+v", came)
	}
}

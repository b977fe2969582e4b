// Asks what it is told to ask, and answers with what came of it.
package main

import (
	"errors"
	"time"

	"sandgate"
	"sandgate/http"
)

type order struct {
	URL    string `json:"url"`
	Method string `json:"method"`
	Body   string `json:"body"`
	// Milliseconds.
	Timeout int64 `json:"timeout"`
}

type told struct {
	Status int     `json:"status"`
	Body   string  `json:"body"`
	Type   *string `json:"type"`
}

func init() {
	sandgate.PreCall(ask, "tools/call").Mutation()
}

func ask(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	var asked order
	if err := params.Decode("/arguments", &asked); err != nil {
		return nil, sandgate.Here(err)
	}
	reply, err := http.Request{
		Method: asked.Method, URL: asked.URL, Body: []byte(asked.Body), Header: http.Header{"x-asked": {"yes"}}, Limit: 1000,
		Timeout: time.Duration(asked.Timeout) * time.Millisecond,
	}.Send()
	if err != nil {
		return sandgate.AnswerWith(map[string]string{"failed": word(err)}), nil
	}
	made := told{Status: reply.Status, Body: reply.Text()}
	if kind := reply.Header.Get("content-type"); kind != "" {
		made.Type = &kind
	}
	return sandgate.AnswerWith(made), nil
}

func word(err error) string {
	var large *http.TooLarge
	switch {
	case err == http.ErrDenied:
		return "denied"
	case errors.As(err, &large):
		return "too-large"
	case errors.Is(err, http.ErrTimedOut):
		return "timed-out"
	case errors.Is(err, http.ErrRefused):
		return "refused"
	case errors.Is(err, http.ErrCut):
		return "cut"
	}
	return "failed"
}

func main() { sandgate.Main() }

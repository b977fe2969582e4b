package sandgatetest

import (
	"fmt"
	"time"

	"sandgate/http"
	"sandgate/internal/border"
	"sandgate/internal/double"
)

// AnswerHTTP says what a request to this URL brings back from now on, whatever its method. Every other one is refused.
func AnswerHTTP(url string, reply http.Reply) { AnswerHTTPLate(url, 0, reply) }

// AnswerHTTPLate is AnswerHTTP after a delay. Nobody waits for it: a request whose Timeout is not longer has timed out.
func AnswerHTTPLate(url string, delay time.Duration, reply http.Reply) {
	made := border.Response{Status: reply.Status, Body: reply.Body}
	if made.Status == 0 {
		made.Status = 200
	}
	for name, values := range reply.Header {
		for _, value := range values {
			made.Headers = append(made.Headers, border.Field{Name: name, Value: value})
		}
	}
	recorder().AnswerHTTP(url, double.HTTPAnswer{Reply: made, Delay: uint64(delay)})
}

// FailHTTP says how a request to this URL fails from now on: as http.ErrTimedOut, http.ErrRefused or http.ErrCut.
func FailHTTP(url string, kind error) {
	words := map[error]string{
		http.ErrTimedOut: "HTTP-response-timeout", http.ErrRefused: "connection-refused", http.ErrCut: "HTTP-response-incomplete",
	}
	word, known := words[kind]
	if !known {
		panic(fmt.Sprintf("sandgatetest.FailHTTP: %v is none of http.ErrTimedOut, http.ErrRefused and http.ErrCut", kind))
	}
	recorder().AnswerHTTP(url, double.HTTPAnswer{Fails: word})
}

// HTTPRequests are what was asked since the last time, in order, also what nothing answered.
func HTTPRequests() []http.Request {
	var made []http.Request
	for _, asked := range recorder().Asked() {
		request := http.Request{Method: asked.Method, URL: asked.URL, Body: asked.Body, Limit: asked.Limit, Timeout: time.Duration(asked.Timeout)}
		for _, field := range asked.Headers {
			if request.Header == nil {
				request.Header = http.Header{}
			}
			request.Header[field.Name] = append(request.Header[field.Name], field.Value)
		}
		made = append(made, request)
	}
	return made
}

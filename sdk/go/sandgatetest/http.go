package sandgatetest

import (
	"sandgate/http"
	"sandgate/internal/border"
)

// AnswerHTTP says what a request to this URL brings back from now on, whatever its method. Every other one fails.
func AnswerHTTP(url string, reply http.Reply) {
	made := border.Response{Status: reply.Status, Body: reply.Body}
	if made.Status == 0 {
		made.Status = 200
	}
	for name, values := range reply.Header {
		for _, value := range values {
			made.Headers = append(made.Headers, border.Field{Name: name, Value: value})
		}
	}
	recorder().AnswerHTTP(url, made)
}

// HTTPRequests are what was asked since the last time, in order, also what nothing answered.
func HTTPRequests() []http.Request {
	var made []http.Request
	for _, asked := range recorder().Asked() {
		request := http.Request{Method: asked.Method, URL: asked.URL, Body: asked.Body, Limit: asked.Limit}
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

// Package http is for requests to the hosts that the operator grants. The manifest asks for them:
//
//	[asks]
//	http = { hosts = ["api.example.com"], why = "looks up what it is asked about" }
//
// A request takes of the hook's own time and is cut with it, unless its own Timeout is shorter: then its error is [ErrTimedOut],
// and the hook can still decide. While it waits no goroutine runs; nothing is retried and no redirect is followed. Under `go test`,
// sandgatetest.AnswerHTTP says what comes back.
package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sandgate/internal/border"
)

// Limit is the bytes of a reply's body, unless a request says otherwise.
const Limit = 1 << 20

// Why there is no reply.
var (
	// ErrDenied: the operator has not granted this host, or the manifest does not ask for http.
	ErrDenied = errors.New("the operator has not granted this host")
	// ErrURL: the URL is none that can be asked.
	ErrURL = errors.New("the URL does not begin with http:// or https:// and a host")
	// ErrTimedOut, by errors.Is: it took longer than the request's Timeout, or connecting longer than it may.
	ErrTimedOut = errors.New("the reply did not come in time")
	// ErrRefused, by errors.Is: nobody takes the connection.
	ErrRefused = errors.New("nobody takes the connection")
	// ErrCut, by errors.Is: the connection ended before the reply did.
	ErrCut = errors.New("the connection ended before the reply did")
)

// TooLarge says that the reply's body has more bytes than this.
type TooLarge struct{ Limit int }

func (t *TooLarge) Error() string { return fmt.Sprintf("the reply has more than %d bytes", t.Limit) }

// Failed says that there is no reply, with WASI's word for why, for example `connection-refused`. It may be [ErrTimedOut],
// [ErrRefused] or [ErrCut].
type Failed struct{ Word string }

func (f *Failed) Error() string { return f.Word }

// Is whether it is of this kind.
func (f *Failed) Is(kind error) bool {
	switch f.Word {
	case "DNS-timeout", "connection-timeout", "connection-read-timeout", "connection-write-timeout", "HTTP-response-timeout":
		return kind == ErrTimedOut
	case "DNS-error", "destination-not-found", "destination-unavailable", "destination-IP-unroutable", "connection-refused":
		return kind == ErrRefused
	case "connection-terminated", "HTTP-response-incomplete":
		return kind == ErrCut
	}
	return false
}

// Header is headers by name. Those of a reply are in small letters.
type Header map[string][]string

// Get is the first value of a name, whose case does not matter; empty where there is none.
func (h Header) Get(name string) string {
	for one, values := range h {
		if len(values) > 0 && strings.EqualFold(one, name) {
			return values[0]
		}
	}
	return ""
}

// Reply is what came back, whatever its status.
type Reply struct {
	Status int
	Header Header
	Body   []byte
}

// Text is the body as UTF-8; what is none is replaced.
func (r *Reply) Text() string { return strings.ToValidUTF8(string(r.Body), "�") }

// Decode reads the body, which is JSON, into what the argument points to, as json.Unmarshal does.
func (r *Reply) Decode(into any) error { return json.Unmarshal(r.Body, into) }

// Request is one that can be sent. Empty fields: GET, no headers, no body, [Limit].
type Request struct {
	Method string
	URL    string
	Header Header
	Body   []byte
	// The most bytes that the reply's body may have.
	Limit int
	// How long it may take from Send to the reply's last byte; as long as the hook's own time unless set.
	Timeout time.Duration
}

// Get asks for what is there.
func Get(url string) (*Reply, error) { return Request{URL: url}.Send() }

// Post sends something there.
func Post(url string, body []byte) (*Reply, error) {
	return Request{Method: "POST", URL: url, Body: body}.Send()
}

// Send asks, and waits for the whole reply. The error is [ErrDenied], [ErrURL], a [TooLarge] or a [Failed].
func (r Request) Send() (*Reply, error) {
	asked, err := r.asked()
	if err != nil {
		return nil, err
	}
	reply, failure := fetch(asked)
	switch {
	case failure != nil && failure.Word == border.Denied:
		return nil, ErrDenied
	case failure != nil:
		return nil, &Failed{failure.Word}
	case len(reply.Body) > asked.Limit:
		return nil, &TooLarge{asked.Limit}
	}
	made := &Reply{Status: reply.Status, Header: Header{}, Body: reply.Body}
	for _, field := range reply.Headers {
		name := strings.ToLower(field.Name)
		made.Header[name] = append(made.Header[name], field.Value)
	}
	return made, nil
}

func (r Request) asked() (border.Request, error) {
	scheme, rest, _ := strings.Cut(r.URL, "://")
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if scheme != "http" && scheme != "https" || end == 0 || !utf8.ValidString(rest) {
		return border.Request{}, ErrURL
	}
	made := border.Request{
		Method: r.Method, URL: r.URL, Secure: scheme == "https", Authority: rest[:end], Path: rest[end:],
		Body: r.Body, Limit: r.Limit, Timeout: uint64(max(0, r.Timeout)),
	}
	if made.Method == "" {
		made.Method = "GET"
	}
	if made.Limit == 0 {
		made.Limit = Limit
	}
	if !strings.HasPrefix(made.Path, "/") {
		made.Path = "/" + made.Path
	}
	if !utf8.ValidString(made.Method) {
		return border.Request{}, &Failed{"HTTP-request-method-invalid"}
	}
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		if !utf8.ValidString(name) {
			return border.Request{}, &Failed{"a header's name: invalid-syntax"}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Header[name] {
			made.Headers = append(made.Headers, border.Field{Name: name, Value: value})
		}
	}
	return made, nil
}

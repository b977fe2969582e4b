package border

import (
	"strconv"
	"unsafe"
)

// One request by wasi:http. Each resource is given back before the one it came from. A component imports what of this it
// uses, and so nothing without package http.

const (
	// What one read asks for, and what one write takes, in bytes.
	atOnce = 64 << 10
	writes = 4 << 10
)

// What goes wrong without a word of WASI's.
const internalError = "internal-error"

// When a request is given up: the pollable of a timer, if there is one.
type deadline struct {
	timer int32
	set   bool
}

var late = &NoReply{"HTTP-response-timeout"}

// Waits until it is ready, and gives it back. False: the request is given up before.
func (d deadline) wait(ready int32) bool {
	defer dropPollable(ready)
	if !d.set {
		pollableBlock(ready)
		return true
	}
	both := [2]int32{ready, d.timer}
	poll(unsafe.Pointer(&both), 2, answer())
	// The first that is ready, of which there is one.
	return u32(4) > 0 && *(*uint32)(unsafe.Add(unsafe.Pointer(nil), u32(0))) == 0
}

// Fetch asks, and waits for the whole reply.
func Fetch(asked Request) (Response, *NoReply) {
	var until deadline
	if asked.Timeout > 0 {
		until = deadline{subscribeDuration(asked.Timeout), true}
		defer dropPollable(until.timer)
	}
	future, failure := send(asked, until)
	if failure != nil {
		return Response{}, failure
	}
	defer dropFuture(future)
	if !until.wait(futureSubscribe(future)) {
		return Response{}, late
	}
	futureGet(future, answer())
	// There is one, it was not taken before, and it is no error.
	switch {
	case u8(0) == 0 || u8(8) != 0:
		return Response{}, &NoReply{internalError}
	case u8(16) != 0:
		return Response{}, &NoReply{word(24)}
	}
	response := int32(u32(24))
	defer dropResponse(response)
	reply := Response{Status: int(responseStatus(response)), Headers: entries(response)}
	responseConsume(response, answer())
	if u8(0) != 0 {
		return Response{}, &NoReply{internalError}
	}
	content := int32(u32(4))
	defer dropIncomingBody(content)
	reply.Body, failure = read(content, asked.Limit, until)
	return reply, failure
}

func send(asked Request, until deadline) (int32, *NoReply) {
	fields := newFields()
	for _, header := range asked.Headers {
		fieldsAppend(fields, header.Name, header.Value, answer())
		if u8(0) != 0 {
			why := headerErrors[min(int(u8(1)), len(headerErrors)-1)]
			dropFields(fields)
			return 0, &NoReply{header.Name + ": " + why}
		}
	}
	if len(asked.Body) > 0 {
		fieldsAppend(fields, "content-length", strconv.Itoa(len(asked.Body)), answer())
	}
	request := newRequest(fields)
	kind, other := method(asked.Method)
	scheme := int32(0)
	if asked.Secure {
		scheme = 1
	}
	if requestSetMethod(request, kind, other) != 0 ||
		requestSetScheme(request, 1, scheme, "") != 0 ||
		requestSetAuthority(request, 1, asked.Authority) != 0 ||
		requestSetPath(request, 1, asked.Path) != 0 {
		dropRequest(request)
		return 0, &NoReply{"HTTP-request-URI-invalid"}
	}
	content, has := int32(0), false
	if len(asked.Body) > 0 {
		requestBody(request, answer())
		content, has = int32(u32(4)), u8(0) == 0
	}
	handle(request, 0, 0, answer())
	if u8(0) != 0 {
		failure := &NoReply{word(8)}
		if has {
			dropOutgoingBody(content)
		}
		return 0, failure
	}
	future := int32(u32(8))
	if has && !write(content, asked.Body, until) {
		dropFuture(future)
		return 0, late
	}
	return future, nil
}

// Who answers need not have read everything; where nobody does, the reply says why. False: the request is given up before.
func write(content int32, body []byte, until deadline) bool {
	inTime := true
	bodyWrite(content, answer())
	if u8(0) == 0 {
		stream := int32(u32(4))
		if until.set {
			inTime = writeUntil(stream, body, until)
		} else {
			writeAll(stream, body)
		}
		dropOutputStream(stream)
	}
	if !inTime {
		dropOutgoingBody(content)
		return false
	}
	bodyFinish(content, 0, 0, answer())
	return true
}

func writeAll(stream int32, body []byte) {
	for len(body) > 0 {
		part := body[:min(len(body), writes)]
		body = body[len(part):]
		streamWrite(stream, address(part), uint32(len(part)), answer())
		if u8(0) != 0 {
			broken(4)
			return
		}
	}
}

func writeUntil(stream int32, body []byte, until deadline) bool {
	for len(body) > 0 {
		if !until.wait(outputSubscribe(stream)) {
			return false
		}
		checkWrite(stream, answer())
		if u8(0) != 0 {
			broken(8)
			return true
		}
		part := body[:min(len(body), int(u32(8)))]
		body = body[len(part):]
		writeNow(stream, address(part), uint32(len(part)), answer())
		if u8(0) != 0 {
			broken(4)
			return true
		}
	}
	flush(stream, answer())
	if u8(0) != 0 {
		broken(4)
		return true
	}
	return until.wait(outputSubscribe(stream))
}

func entries(response int32) []Field {
	fields := responseHeaders(response)
	fieldsEntries(fields, answer())
	made := make([]Field, u32(4))
	at := unsafe.Add(unsafe.Pointer(nil), u32(0))
	for index := range made {
		spans := (*[4]uint32)(unsafe.Add(at, 16*index))
		made[index] = Field{TextAt(spans[0], spans[1]), TextAt(spans[2], spans[3])}
	}
	dropFields(fields)
	return made
}

func read(content int32, limit int, until deadline) ([]byte, *NoReply) {
	incomingStream(content, answer())
	if u8(0) != 0 {
		return nil, &NoReply{internalError}
	}
	stream := int32(u32(4))
	defer dropInputStream(stream)
	var whole []byte
	for len(whole) <= limit {
		if until.set && !until.wait(inputSubscribe(stream)) {
			return nil, late
		}
		streamRead(stream, atOnce, answer())
		if u8(0) != 0 {
			if broken(4) {
				return nil, &NoReply{"HTTP-response-incomplete"}
			}
			break
		}
		whole = append(whole, text(4)...)
	}
	return whole, nil
}

// Whether the stream's error at this offset is one, and not its end.
func broken(offset uintptr) bool {
	if u8(offset) != 0 {
		return false
	}
	dropError(int32(u32(offset + 4)))
	return true
}

func method(name string) (int32, string) {
	for index, known := range methods {
		if known == name {
			return int32(index), ""
		}
	}
	return int32(len(methods)), name
}

// The error code whose variant stands at this offset: its name alone, what stands in it is the other side's.
func word(offset uintptr) string {
	if code := int(u8(offset)); code < len(words) {
		return words[code]
	}
	return internalError
}

// In WASI's order.
var (
	methods = [...]string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

	headerErrors = [...]string{"invalid-syntax", "forbidden", "immutable"}

	words = [...]string{
		"DNS-timeout", "DNS-error", "destination-not-found", "destination-unavailable", "destination-IP-prohibited",
		"destination-IP-unroutable", "connection-refused", "connection-terminated", "connection-timeout",
		"connection-read-timeout", "connection-write-timeout", "connection-limit-reached", "TLS-protocol-error",
		"TLS-certificate-error", "TLS-alert-received", Denied, "HTTP-request-length-required",
		"HTTP-request-body-size", "HTTP-request-method-invalid", "HTTP-request-URI-invalid", "HTTP-request-URI-too-long",
		"HTTP-request-header-section-size", "HTTP-request-header-size", "HTTP-request-trailer-section-size",
		"HTTP-request-trailer-size", "HTTP-response-incomplete", "HTTP-response-header-section-size",
		"HTTP-response-header-size", "HTTP-response-body-size", "HTTP-response-trailer-section-size",
		"HTTP-response-trailer-size", "HTTP-response-transfer-coding", "HTTP-response-content-coding",
		"HTTP-response-timeout", "HTTP-upgrade-failed", "HTTP-protocol-error", "loop-detected", "configuration-error",
		internalError,
	}
)

//go:wasmimport wasi:http/types@0.2.0 [constructor]fields
func newFields() int32

//go:wasmimport wasi:http/types@0.2.0 [method]fields.append
func fieldsAppend(self int32, name, value string, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [method]fields.entries
func fieldsEntries(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]fields
func dropFields(self int32)

//go:wasmimport wasi:http/types@0.2.0 [constructor]outgoing-request
func newRequest(headers int32) int32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-method
func requestSetMethod(self, kind int32, other string) int32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-scheme
func requestSetScheme(self, has, kind int32, other string) int32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-authority
func requestSetAuthority(self, has int32, authority string) int32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-path-with-query
func requestSetPath(self, has int32, path string) int32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.body
func requestBody(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]outgoing-request
func dropRequest(self int32)

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-body.write
func bodyWrite(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [static]outgoing-body.finish
func bodyFinish(this, hasTrailers, trailers int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]outgoing-body
func dropOutgoingBody(self int32)

//go:wasmimport wasi:http/outgoing-handler@0.2.0 handle
func handle(request, hasOptions, options int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [method]future-incoming-response.subscribe
func futureSubscribe(self int32) int32

//go:wasmimport wasi:http/types@0.2.0 [method]future-incoming-response.get
func futureGet(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]future-incoming-response
func dropFuture(self int32)

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-response.status
func responseStatus(self int32) int32

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-response.headers
func responseHeaders(self int32) int32

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-response.consume
func responseConsume(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]incoming-response
func dropResponse(self int32)

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-body.stream
func incomingStream(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]incoming-body
func dropIncomingBody(self int32)

//go:wasmimport wasi:io/streams@0.2.0 [method]input-stream.blocking-read
func streamRead(self int32, bytes uint64, answer unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [method]input-stream.subscribe
func inputSubscribe(self int32) int32

//go:wasmimport wasi:io/streams@0.2.0 [resource-drop]input-stream
func dropInputStream(self int32)

//go:wasmimport wasi:io/streams@0.2.0 [method]output-stream.blocking-write-and-flush
func streamWrite(self int32, bytes unsafe.Pointer, length uint32, answer unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [method]output-stream.check-write
func checkWrite(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [method]output-stream.write
func writeNow(self int32, bytes unsafe.Pointer, length uint32, answer unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [method]output-stream.flush
func flush(self int32, answer unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [method]output-stream.subscribe
func outputSubscribe(self int32) int32

//go:wasmimport wasi:io/streams@0.2.0 [resource-drop]output-stream
func dropOutputStream(self int32)

//go:wasmimport wasi:io/error@0.2.0 [resource-drop]error
func dropError(self int32)

//go:wasmimport wasi:io/poll@0.2.0 [method]pollable.block
func pollableBlock(self int32)

//go:wasmimport wasi:io/poll@0.2.0 poll
func poll(pollables unsafe.Pointer, length uint32, answer unsafe.Pointer)

//go:wasmimport wasi:clocks/monotonic-clock@0.2.0 subscribe-duration
func subscribeDuration(nanoseconds uint64) int32

//go:wasmimport wasi:io/poll@0.2.0 [resource-drop]pollable
func dropPollable(self int32)

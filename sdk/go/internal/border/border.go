// Package border says what a plugin reaches: the contract's resources and imports, as Go sees them. In a component they are
// the gateway's; elsewhere package sandgatetest stands in.
package border

// Run is texts in one, each followed by a line feed, and the byte offsets at which they end.
type Run struct {
	Text string
	Ends []uint32
}

// Source is what a document asks; the contract's resource `document`. The second result says whether there is any.
type Source interface {
	Size() uint64
	JSON() string
	Get(pointer string) (string, bool)
	Texts() Run
	Strings() Run
	Keys() Run
	TextPointer(index uint32) (string, bool)
	StringPointer(index uint32) (string, bool)
}

// Exchange is what a context asks; the contract's resource `context`.
type Exchange interface {
	ID() string
	Method() string
	Direction() string
	Server() string
	Target() (string, bool)
	Session() (string, bool)
	Principal() (string, bool)
	Definition() (string, bool)
	Params() (Source, bool)
	Failed() bool
	RemainingMicroseconds() uint64
	Carry(note []byte)
	Carried() ([]byte, bool)
	Attribute(name string) (string, bool)
}

// Severity of a finding.
type Severity uint8

// Part of an exchange.
type Part uint8

// Level of a line in the log.
type Level uint8

// In the contract's order.
const (
	Info Severity = iota
	Warn
	Error
)

// In the contract's order.
const (
	Params Part = iota
	Reply
)

// In the contract's order.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Finding is what a hook noticed. Empty: none.
type Finding struct {
	Rule     string
	Severity Severity
	Part     Part
	Pointer  *string
	Message  string
	Details  *string
}

// Failure is why state gives no answer.
type Failure struct {
	// 0: denied, 1: quota, 2: unavailable.
	Kind uint8
	Why  string
}

// Gateway is the imports. A TTL of 0: none.
type Gateway interface {
	Log(level Level, message string)
	Find(finding Finding)
	Get(key string) ([]byte, bool, *Failure)
	Set(key string, value []byte, ttlMs uint64) *Failure
	Delete(key string) *Failure
	Increment(key string, by int64, ttlMs uint64) (int64, *Failure)
	// expected: nil stands for nothing.
	CompareAndSet(key string, expected *[]byte, value []byte, ttlMs uint64) (bool, *Failure)
}

// Request is one by HTTP.
type Request struct {
	Method string
	// As it was given, and taken apart: host with port, path with query.
	URL, Authority, Path string
	Secure               bool
	Headers              []Field
	Body                 []byte
	// The most bytes that are read of the reply's body, and one read more.
	Limit int
	// Nanoseconds until it is given up; 0: as many as the hook has.
	Timeout uint64
}

// Field is one header.
type Field struct{ Name, Value string }

// Response is what came back.
type Response struct {
	Status  int
	Headers []Field
	Body    []byte
}

// NoReply says why nothing did: WASI's word for it.
type NoReply struct{ Word string }

// Denied is the word for a host that is not granted.
const Denied = "HTTP-request-denied"

// Other is the other side: the gateway in a component, the double of package sandgatetest elsewhere.
var Other Gateway

package border

import "unsafe"

// Document is a handle of the contract's resource `document`.
type Document int32

// Context is a handle of the contract's resource `context`.
type Context int32

func (d Document) Size() uint64 { return documentSize(int32(d)) }

func (d Document) JSON() string {
	documentJSON(int32(d), answer())
	return text(0)
}

func (d Document) Get(pointer string) (string, bool) {
	documentGet(int32(d), pointer, answer())
	return optional(0)
}

func (d Document) Texts() Run {
	documentTexts(int32(d), answer())
	return run()
}

func (d Document) Strings() Run {
	documentStrings(int32(d), answer())
	return run()
}

func (d Document) Keys() Run {
	documentKeys(int32(d), answer())
	return run()
}

func (d Document) TextPointer(index uint32) (string, bool) {
	documentTextPointer(int32(d), index, answer())
	return optional(0)
}

func (d Document) StringPointer(index uint32) (string, bool) {
	documentStringPointer(int32(d), index, answer())
	return optional(0)
}

// Drop gives the handle back, as a hook must before it returns.
func (d Document) Drop() { dropDocument(int32(d)) }

// Drop gives the handle back, as a hook must before it returns.
func (c Context) Drop() { dropContext(int32(c)) }

func (c Context) ID() string {
	contextID(int32(c), answer())
	return text(0)
}

func (c Context) Method() string {
	contextMethod(int32(c), answer())
	return text(0)
}

func (c Context) Direction() string {
	contextDirection(int32(c), answer())
	return text(0)
}

func (c Context) Server() string {
	contextServer(int32(c), answer())
	return text(0)
}

func (c Context) Target() (string, bool) {
	contextTarget(int32(c), answer())
	return optional(0)
}

func (c Context) Session() (string, bool) {
	contextSession(int32(c), answer())
	return optional(0)
}

func (c Context) Principal() (string, bool) {
	contextPrincipal(int32(c), answer())
	return optional(0)
}

func (c Context) Definition() (string, bool) {
	contextDefinition(int32(c), answer())
	return optional(0)
}

func (c Context) Params() (Source, bool) {
	contextParams(int32(c), answer())
	if u8(0) == 0 {
		return nil, false
	}
	return Document(u32(4)), true
}

func (c Context) Failed() bool { return contextFailed(int32(c)) != 0 }

func (c Context) RemainingMicroseconds() uint64 { return contextRemaining(int32(c)) }

func (c Context) Carry(note []byte) { contextCarry(int32(c), address(note), uint32(len(note))) }

func (c Context) Carried() ([]byte, bool) {
	contextCarried(int32(c), answer())
	if u8(0) == 0 {
		return nil, false
	}
	return bytes(4), true
}

func (c Context) Attribute(name string) (string, bool) {
	contextAttribute(int32(c), name, answer())
	return optional(0)
}

func run() Run {
	made := Run{Text: text(0)}
	if count := u32(12); count > 0 {
		made.Ends = unsafe.Slice((*uint32)(unsafe.Add(unsafe.Pointer(nil), u32(8))), count)
	}
	return made
}

//go:wasmimport sandgate:interceptor/call@0.1.0 [resource-drop]document
func dropDocument(self int32)

//go:wasmimport sandgate:interceptor/call@0.1.0 [resource-drop]context
func dropContext(self int32)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.size
func documentSize(self int32) uint64

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.json
func documentJSON(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.get
func documentGet(self int32, pointer string, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.texts
func documentTexts(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.strings
func documentStrings(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.keys
func documentKeys(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.text-pointer
func documentTextPointer(self int32, index uint32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]document.string-pointer
func documentStringPointer(self int32, index uint32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.id
func contextID(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.method
func contextMethod(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.direction
func contextDirection(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.server
func contextServer(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.target
func contextTarget(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.session
func contextSession(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.principal
func contextPrincipal(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.definition
func contextDefinition(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.params
func contextParams(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.failed
func contextFailed(self int32) int32

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.remaining-us
func contextRemaining(self int32) uint64

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.carry
func contextCarry(self int32, note unsafe.Pointer, length uint32)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.carried
func contextCarried(self int32, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/call@0.1.0 [method]context.attribute
func contextAttribute(self int32, name string, answer unsafe.Pointer)

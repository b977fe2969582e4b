package sandgate

import (
	"runtime"
	"runtime/debug"
	"unsafe"

	"sandgate/internal/border"
)

// The exports of a component: from the contract to the registered functions and back.

// A function that calls itself without end is told of before the plugin's memory is used up.
const stack = 4 << 20

// What the gateway reads after a call: 32-bit words, in the contract's layout. What they point to stays in `held`.
var (
	result [16]uint32
	held   []any
)

//go:wasmexport sandgate:interceptor/settings@0.1.0#configure
func exportConfigure(settings unsafe.Pointer, length uint32) unsafe.Pointer {
	debug.SetMaxStack(stack)
	issues := configure(border.TextAt(uint32(uintptr(settings)), length))
	result, held = [16]uint32{}, nil
	if len(issues) > 0 {
		words := make([]uint32, 0, 4*len(issues))
		for _, issue := range issues {
			words = text(text(words, issue.Pointer), issue.Message)
		}
		result[0], result[1], result[2] = 1, address(words), uint32(len(issues))
	}
	for _, hook := range plugin.hooks {
		hook.place = told(placeOf(hook.entry))
	}
	// What stands now is there at the start of every run: without what is not needed any more.
	runtime.GC()
	return unsafe.Pointer(&result)
}

//go:wasmexport sandgate:interceptor/pre-call@0.1.0#handle
func exportPreCall(ctx, params int32) unsafe.Pointer {
	return handle(preCall, ctx, params)
}

//go:wasmexport sandgate:interceptor/post-call@0.1.0#handle
func exportPostCall(ctx, reply int32) unsafe.Pointer {
	return handle(postCall, ctx, reply)
}

func handle(kind kind, ctx, document int32) unsafe.Pointer {
	border.Reseed()
	exchange, source := border.Context(ctx), border.Document(document)
	made := decide(kind, &Context{exchange}, &Document{source: source})
	source.Drop()
	exchange.Drop()
	write(kind, made)
	return unsafe.Pointer(&result)
}

func write(kind kind, made outcome) {
	result, held = [16]uint32{}, nil
	switch {
	case made.fault != nil:
		writeFault(made.fault)
	case made.refusal != nil:
		refusal := made.refusal
		words := text(text(nil, refusal.Code), refusal.Message)
		words = optional(optional(words, refusal.Pointer), refusal.Details)
		result[1] = 3
		copy(result[2:], words)
	case made.answer != nil:
		result[1] = 4
		copy(result[2:], text(nil, made.answer.JSON))
	case made.replacement != nil:
		result[1] = 2
		copy(result[2:], text(nil, made.replacement.JSON))
	case len(made.edits) > 0:
		words := make([]uint32, 0, 5*len(made.edits))
		for _, edit := range made.edits {
			switch edit.Op {
			case "set":
				words = text(text(append(words, 0), edit.Pointer), edit.Value)
			case "remove":
				words = append(text(append(words, 1), edit.Pointer), 0, 0)
			default:
				words = append(text(append(words, 2, uint32(edit.Index)), edit.Value), 0)
			}
		}
		result[1], result[2], result[3] = 1, address(words), uint32(len(made.edits))
	}
}

// Appends where a text lies and how long it is.
func text(words []uint32, text string) []uint32 {
	held = append(held, text)
	return append(words, uint32(uintptr(unsafe.Pointer(unsafe.StringData(text)))), uint32(len(text)))
}

func optional(words []uint32, value *string) []uint32 {
	if value == nil {
		return append(words, 0, 0, 0)
	}
	return text(append(words, 1), *value)
}

func address(words []uint32) uint32 {
	held = append(held, words)
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(words))))
}

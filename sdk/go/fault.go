package sandgate

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
)

// Misuse is the panic of a plugin that asks something of this package that cannot be.
type Misuse struct{ message string }

func (m *Misuse) Error() string { return m.message }

func misuse(format string, arguments ...any) {
	panic(&Misuse{fmt.Sprintf(format, arguments...)})
}

// Fault is a malfunction of a hook: what is told of it.
type Fault struct {
	// Its type as Go names it, or `panic`, `error` for those without one.
	Kind string
	// The author's own frames, innermost first: `plugin.go:12 in scrub`.
	Frames []string
	// What it says. May repeat the payload.
	Detail string
}

// Here is an error that remembers where it came up: `return nil, sandgate.Here(err)`. Any other error of a hook is told of the
// hook's first line.
func Here(err error) error {
	if err == nil {
		return nil
	}
	return &placed{err, callers(1)}
}

type placed struct {
	error
	at []uintptr
}

func (p *placed) Unwrap() error { return p.error }

const mostFrames = 16

func (f *Fault) text() string {
	lines := []string{f.Kind + ": " + f.Detail}
	for _, frame := range f.Frames {
		lines = append(lines, "  at "+frame)
	}
	return strings.Join(lines, "\n")
}

// What a returned error comes to.
func returned(err error, entry uintptr) *Fault {
	var at []uintptr
	var here *placed
	if errors.As(err, &here) {
		at = here.at
	}
	cause := err
	if direct, is := err.(*placed); is {
		cause = direct.error
	}
	fault := &Fault{Kind: kindOf(cause), Frames: frames(at), Detail: err.Error()}
	return fault.of(entry)
}

// What a panic comes to; nil where there was none. To be called by the deferred function.
func recovered(value any, hooks []*Hook) *Fault {
	if value == nil {
		return nil
	}
	fault := &Fault{Kind: "panic", Frames: frames(callers(2))}
	switch value := value.(type) {
	case runtime.Error:
		fault.Kind, fault.Detail = "runtime error", strings.TrimPrefix(value.Error(), "runtime error: ")
	case error:
		fault.Kind, fault.Detail = kindOf(value), value.Error()
	default:
		fault.Detail = fmt.Sprint(value)
	}
	if len(hooks) > 0 {
		return fault.of(hooks[0].entry)
	}
	return fault
}

// Without a frame of the author's it is told of the function's first line.
func (f *Fault) of(entry uintptr) *Fault {
	if place := placeOf(entry); len(f.Frames) == 0 && place != "" {
		f.Frames = []string{place}
	}
	return f
}

// The first line of a function.
func placeOf(entry uintptr) string {
	function := runtime.FuncForPC(entry)
	if function == nil {
		return ""
	}
	file, line := function.FileLine(entry)
	return frame(file, line, function.Name())
}

func kindOf(err error) string {
	name := fmt.Sprintf("%T", err)
	switch name {
	case "*errors.errorString", "*errors.joinError", "*fmt.wrapError", "*fmt.wrapErrors":
		return "error"
	case "*sandgate.Misuse":
		return "Misuse"
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, "*"), "main.")
}

func callers(skip int) []uintptr {
	pcs := make([]uintptr, 64)
	return pcs[:runtime.Callers(skip+2, pcs)]
}

func frames(pcs []uintptr) []string {
	var made []string
	if len(pcs) == 0 {
		return made
	}
	walk := runtime.CallersFrames(pcs)
	for len(made) < mostFrames {
		at, more := walk.Next()
		if isOwn(at.Function) {
			made = append(made, frame(at.File, at.Line, at.Function))
		}
		if !more {
			break
		}
	}
	return made
}

// Whether a function is the author's: of the module that is built, not of this one or Go's library.
func isOwn(function string) bool {
	of := packageOf(function)
	if of == "main" || strings.HasSuffix(of, "_test") {
		return true
	}
	if of == "sandgate" || strings.HasPrefix(of, "sandgate/") {
		return false
	}
	own := module()
	return own != "" && (of == own || strings.HasPrefix(of, own+"/"))
}

func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		return function[:slash+dot]
	}
	return function
}

func module() string {
	if info, known := debug.ReadBuildInfo(); known {
		return info.Main.Path
	}
	return ""
}

func frame(file string, line int, function string) string {
	if below, within := strings.CutPrefix(file, module()+"/"); within {
		file = below
	} else {
		file = path.Base(file)
	}
	return fmt.Sprintf("%s:%d in %s", file, line, strings.TrimPrefix(function[len(packageOf(function)):], "."))
}

func entry(function any) uintptr {
	return reflect.ValueOf(function).Pointer()
}

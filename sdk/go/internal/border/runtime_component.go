//go:build wasip1 && sandgate

package border

import _ "unsafe" // For go:linkname.

// What `sandgate plugin build` lays beside Go's runtime: component/runtime.go.txt and lastwords.go.txt.

// Reseed draws a new seed for math/rand and for the hashes of maps to come.
//
//go:linkname Reseed runtime.sandgateReseed
func Reseed()

// Whether nothing but what is running may run.
//
//go:linkname alone runtime.sandgateAlone
func alone(alone bool)

// AtExit registers what runs before os.Exit ends the instance, on the stack of its caller.
//
//go:linkname AtExit runtime.sandgateAtExit
func AtExit(f func())

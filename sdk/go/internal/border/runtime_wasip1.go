//go:build wasip1 && !sandgate

package border

// Only what `sandgate plugin build` builds is a plugin; this lets other tools look at the source.

func Reseed() {}

func alone(bool) {}

func AtExit(func()) {}

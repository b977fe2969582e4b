// Package log writes lines to the gateway's log, under the interceptor's name. A line outlives the call: never repeat the
// payload.
package log

import (
	"strings"

	"sandgate/internal/border"
)

// Trace is for every step.
func Trace(message string) { line(border.LevelTrace, message) }

// Debug is for the author.
func Debug(message string) { line(border.LevelDebug, message) }

// Info is good to know.
func Info(message string) { line(border.LevelInfo, message) }

// Warn is worth a look.
func Warn(message string) { line(border.LevelWarn, message) }

// Error should not be.
func Error(message string) { line(border.LevelError, message) }

func line(level border.Level, message string) {
	border.Other.Log(level, strings.ToValidUTF8(message, "�"))
}

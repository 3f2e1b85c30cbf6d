//go:build tools

// Package tools names the command that is built here, so that go.mod and go.sum lock all it is made of.
package tools

import _ "github.com/jaegertracing/jaeger/cmd/jaeger"

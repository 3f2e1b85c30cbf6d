//go:build tools

// Package tools names the server that is built here, so that go.mod and go.sum lock all it is made of.
package tools

import _ "github.com/minio/minio"

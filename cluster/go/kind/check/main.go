// Command check reads a kind configuration from its standard input into kind's own published types
// and refuses what they do not know: the part of kind's judgement that needs no Docker engine.
package main

import (
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

func main() {
	if err := check(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(from io.Reader) error {
	decoder := yaml.NewDecoder(from)
	decoder.KnownFields(true)
	return decoder.Decode(&v1alpha4.Cluster{})
}

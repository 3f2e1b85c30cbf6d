// Command volume-helper makes and removes the folder of one volume. The volume provisioner runs it
// in a short-lived pod, under the name of the action, with VOL_DIR in the environment; so that pod
// needs no shell and no root file system from a registry.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := serve(filepath.Base(os.Args[0]), os.Getenv("VOL_DIR")); err != nil {
		fmt.Fprintln(os.Stderr, "volume-helper:", err)
		os.Exit(1)
	}
}

func serve(action, folder string) error {
	if !filepath.IsAbs(folder) || filepath.Clean(folder) == "/" {
		return fmt.Errorf("VOL_DIR=%q is not the folder of a volume", folder)
	}
	switch action {
	case "setup":
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		// The process' mask took bits away; pods of any user must be able to write.
		return os.Chmod(folder, 0o777)
	case "teardown":
		return os.RemoveAll(folder)
	default:
		return fmt.Errorf("no action is called %q", action)
	}
}

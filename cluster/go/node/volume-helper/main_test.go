package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAVolumeCanBeWrittenByAnyone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "pvc-1")
	if err := serve("setup", folder); err != nil {
		t.Fatal(err)
	}
	made, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if made.Mode().Perm() != 0o777 {
		t.Fatalf("the folder's mode is %o", made.Mode().Perm())
	}
}

func TestARemovedVolumeIsGoneWithItsContent(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "pvc-1")
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := serve("teardown", folder); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Fatalf("the folder is still there: %v", err)
	}
}

func TestNothingElseIsDone(t *testing.T) {
	for _, call := range [][2]string{{"teardown", "/"}, {"teardown", ""}, {"teardown", "relative"}, {"sh", "/tmp/x"}} {
		if serve(call[0], call[1]) == nil {
			t.Errorf("%s of %q was done", call[0], call[1])
		}
	}
}

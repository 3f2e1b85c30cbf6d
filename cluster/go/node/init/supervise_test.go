package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestALogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	log := &boundedLog{path: path}
	line := make([]byte, 1<<20)
	for range 40 {
		if written, err := log.Write(line); written != len(line) || err != nil {
			t.Fatalf("wrote %d, %v", written, err)
		}
	}
	for _, file := range []string{path, path + ".1"} {
		kept, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if kept.Size() > logBytes+2<<20 {
			t.Errorf("%s has %d bytes", file, kept.Size())
		}
	}
}

func TestAnUnwritableLogStopsNobody(t *testing.T) {
	log := &boundedLog{path: filepath.Join(t.TempDir(), "absent", "a.log")}
	if written, err := log.Write([]byte("line")); written != 4 || err != nil {
		t.Fatalf("wrote %d, %v", written, err)
	}
}

func TestWhatListensAnswers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	if answers("unix:" + socket) {
		t.Fatal("nothing listens yet")
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if !answers("unix:"+socket) || !answers("") {
		t.Fatal("what listens must answer, and who promises nothing is ready at once")
	}
}

func TestComponentsStartInOrderAndAgain(t *testing.T) {
	folder := t.TempDir()
	note := filepath.Join(folder, "note")
	status := filepath.Join(folder, "status.json")
	shell := func(script string) []string { return []string{"/bin/sh", "-c", script} }
	node := &config{
		Status: status,
		Logs:   folder,
		Components: []component{
			{Name: "last", Command: shell("test -s " + note + " && exec sleep 60"), After: []string{"once"}},
			{Name: "once", Command: shell("test -e " + folder + "/tried || { touch " + folder + "/tried; exit 3; }; echo done > " + note), Once: true},
		},
	}
	go func() { _ = supervise(node) }()
	end := time.Now().Add(20 * time.Second)
	for {
		var seen []state
		if text, err := os.ReadFile(status); err == nil {
			_ = json.Unmarshal(text, &seen)
		}
		if len(seen) == 2 && seen[0].State == "ready" && seen[0].Restarts == 0 &&
			seen[1].State == "done" && seen[1].Restarts == 1 && seen[1].LastExit == "ended with code 3" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("last seen: %+v", seen)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAnUnknownPredecessorIsRefused(t *testing.T) {
	node := &config{Status: filepath.Join(t.TempDir(), "s"), Components: []component{{Name: "a", After: []string{"b"}}}}
	if supervise(node) == nil {
		t.Fatal("a component that waits forever was accepted")
	}
}

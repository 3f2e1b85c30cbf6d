package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// config is the whole node, written by cluster/local before the node is launched.
type config struct {
	Hostname string `json:"hostname"`
	// Identity gets who this process is on the host, before anything else is done.
	Identity string `json:"identity"`
	// Status gets the components' states at every change.
	Status string `json:"status"`
	// Logs is where the node sees its log folder, HostLog where the host has this process' own log.
	Logs    string `json:"logs"`
	HostLog string `json:"host_log"`
	// Stage is an empty folder where the private file systems are put together.
	Stage string `json:"stage"`
	// Cgroups are the cgroup.procs files of the node's own cgroup, one per hierarchy.
	Cgroups []string `json:"cgroups"`
	// Hidden folders of the host get an empty file system of the node's own laid over them.
	Hidden []string `json:"hidden"`
	// Binds put folders of the cache into the hidden ones: source, target.
	Binds [][2]string `json:"binds"`
	// Sysctls are written; they are the network namespace's, not the host's.
	Sysctls map[string]string `json:"sysctls"`
	// Pretended are files of /proc/sys that the kubelet insists on setting for the whole machine:
	// it is shown the value it wants, and the machine keeps its own.
	Pretended  map[string]string `json:"pretended"`
	Components []component       `json:"components"`
}

// component is one program of the node.
type component struct {
	Name    string            `json:"name"`
	Command []string          `json:"command"`
	Env     map[string]string `json:"env"`
	// After names the components that must be ready first.
	After []string `json:"after"`
	// Once: it is ready when it has ended with code 0, and then stays ended.
	Once bool `json:"once"`
	// Listens is what shows that it is ready: "unix:/path", "tcp:host:port" or nothing.
	Listens string `json:"listens"`
}

func readConfig(path string) (*config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := &config{}
	return read, json.Unmarshal(text, read)
}

// writeJSON replaces a file in one step: its readers see the old or the new, never half of one.
func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.WriteFile(part, text, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}

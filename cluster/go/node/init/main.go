// Command init is process 1 of the local node. It lives in process, mount, network, host name and
// IPC namespaces of the node, starts the node's components in order, starts again what ends,
// keeps their logs within bounds and buries orphans. When it ends, however it ends, the kernel
// ends every process of the node and takes its mounts away: nothing has to be found and cleaned.
//
//	init launch CONFIG   start the node, print the host's process id of its process 1
//	init run CONFIG      what launch starts
//	init tidy ...        forget the containers of an earlier node, keep its images
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		os.Exit(1)
	}
}

func dispatch(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "launch":
		return launch(arguments[1])
	case len(arguments) == 2 && arguments[0] == "run":
		return runNode(arguments[1])
	case len(arguments) == 5 && arguments[0] == "tidy":
		return tidy(arguments[1], arguments[2], arguments[3], arguments[4])
	}
	return fmt.Errorf("usage: init launch|run CONFIG, init tidy CONFIG SOCKET NAMESPACE ROOT")
}

// launch starts `init run` in new namespaces (the network namespace is the caller's) and leaves it.
func launch(path string) error {
	node, err := readConfig(path)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(node.HostLog, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, "run", path)
	child.Dir = "/"
	child.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/root", "LANG=C.UTF-8"}
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	if err := child.Start(); err != nil {
		return err
	}
	fmt.Println(child.Process.Pid)
	return nil
}

type identity struct {
	Pid int `json:"pid"`
	// Started is in clock ticks since the machine's boot; with the pid it names one process ever.
	Started uint64 `json:"started"`
}

func runNode(path string) error {
	node, err := readConfig(path)
	if err != nil {
		return err
	}
	// /proc is still the host's, so it tells the host's process id.
	self, err := whoAmI()
	if err != nil {
		return err
	}
	for _, procs := range node.Cgroups {
		if err := os.WriteFile(procs, []byte("0"), 0o644); err != nil {
			return fmt.Errorf("joining the node's cgroup: %w", err)
		}
	}
	if err := writeJSON(node.Identity, self); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte(node.Hostname)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := ownFileSystems(node); err != nil {
		return err
	}
	return supervise(node)
}

func whoAmI() (identity, error) {
	link, err := os.Readlink("/proc/self")
	if err != nil {
		return identity{}, err
	}
	pid, err := strconv.Atoi(link)
	if err != nil {
		return identity{}, err
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return identity{}, err
	}
	// The second field is the program's name in brackets and may hold anything; the start time is
	// the twentieth after it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	started, err := strconv.ParseUint(fields[19], 10, 64)
	return identity{Pid: pid, Started: started}, err
}

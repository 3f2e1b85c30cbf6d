package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	tidyDeadline = 30 * time.Second
	opensWithin  = 10 * time.Second
)

// tidy removes the containers that an earlier node left in containerd's store and keeps its images.
// A store that containerd cannot open, or cannot be asked about, is emptied: all of it can be
// imported again. It runs before the containerd of the node, with Kubernetes' plugin off, so that
// no half of an old container is ever taken up again.
func tidy(configuration, socket, namespace, root string) error {
	err := forget(configuration, socket, namespace)
	if err == nil {
		return nil
	}
	fmt.Println("containerd's store is beyond use and is emptied:", err)
	return empty(root)
}

func forget(configuration, socket, namespace string) error {
	limited, cancel := context.WithTimeout(context.Background(), tidyDeadline)
	defer cancel()
	daemon := exec.CommandContext(limited, "containerd", "--config", configuration)
	daemon.Stdout, daemon.Stderr = os.Stdout, os.Stderr
	if err := daemon.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	err := untilOpen(socket, ended)
	if err == nil {
		err = removeContainers(limited, socket, namespace)
	}
	_ = daemon.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(opensWithin):
		_ = daemon.Process.Kill()
		<-ended
	}
	return err
}

func untilOpen(socket string, ended <-chan error) error {
	tick := time.NewTicker(pollReady)
	defer tick.Stop()
	late := time.After(opensWithin)
	for {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			return connection.Close()
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("containerd ended"), err)
		case <-late:
			return errors.New("containerd does not answer")
		case <-tick.C:
		}
	}
}

func removeContainers(limited context.Context, socket, namespace string) error {
	ctr := func(arguments ...string) ([]string, error) {
		all := append([]string{"--address", socket, "--namespace", namespace}, arguments...)
		said, err := exec.CommandContext(limited, "ctr", all...).Output()
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("ctr %s: %s", arguments[0], strings.TrimSpace(string(failed.Stderr)))
		}
		return strings.Fields(string(said)), err
	}
	left, err := ctr("containers", "ls", "--quiet")
	if err != nil {
		return err
	}
	if len(left) > 0 {
		fmt.Println("forgetting", len(left), "containers of an earlier node")
		if _, err := ctr(append([]string{"containers", "rm"}, left...)...); err != nil {
			return err
		}
	}
	for _, question := range []string{"images", "content", "snapshots"} {
		if _, err := ctr(question, "ls"); err != nil {
			return err
		}
	}
	return nil
}

func empty(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(root, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

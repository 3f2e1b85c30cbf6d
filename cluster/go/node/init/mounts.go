package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ownFileSystems makes the node's view of the machine: the host's root with folders of the node's
// own over those where Kubernetes and containerd keep their state. The host sees none of it.
func ownFileSystems(node *config) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	// Put together aside, then moved over the host's folders: a source may lie below one of them.
	if err := mountEmpty(node.Stage); err != nil {
		return err
	}
	for number, target := range node.Hidden {
		place := filepath.Join(node.Stage, strconv.Itoa(number))
		if err := os.Mkdir(place, 0o755); err != nil {
			return err
		}
		if err := mountEmpty(place); err != nil {
			return err
		}
		if err := bindBelow(node.Binds, target, place); err != nil {
			return err
		}
	}
	pretended := filepath.Join(node.Stage, "pretended")
	if err := os.Mkdir(pretended, 0o755); err != nil {
		return err
	}
	for name, value := range node.Pretended {
		if err := pretend(pretended, name, value); err != nil {
			return err
		}
	}
	for number, target := range node.Hidden {
		place := filepath.Join(node.Stage, strconv.Itoa(number))
		if err := syscall.Mount(place, target, "", syscall.MS_MOVE, ""); err != nil {
			return fmt.Errorf("covering %s: %w", target, err)
		}
	}
	for name, value := range node.Sysctls {
		if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func bindBelow(binds [][2]string, target, place string) error {
	for _, bind := range binds {
		relative, below := strings.CutPrefix(bind[1], target+"/")
		if !below {
			continue
		}
		inside := filepath.Join(place, relative)
		if err := os.MkdirAll(inside, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(bind[0], inside, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("binding %s to %s: %w", bind[0], bind[1], err)
		}
	}
	return nil
}

func pretend(folder, name, value string) error {
	real := filepath.Join("/proc/sys", name)
	if _, err := os.Stat(real); os.IsNotExist(err) {
		return nil
	}
	shown := filepath.Join(folder, strings.ReplaceAll(name, "/", "."))
	if err := os.WriteFile(shown, []byte(value+"\n"), 0o644); err != nil {
		return err
	}
	if err := syscall.Mount(shown, real, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("covering %s: %w", real, err)
	}
	return nil
}

func mountEmpty(folder string) error {
	if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mounting an empty file system on %s: %w", folder, err)
	}
	return nil
}

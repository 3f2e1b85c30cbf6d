package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	pollReady    = 20 * time.Millisecond
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
	logBytes     = 8 << 20
)

// state is what `status` shows of one component.
type state struct {
	Name     string    `json:"name"`
	State    string    `json:"state"` // waiting, starting, ready, done, ended
	Pid      int       `json:"pid"`
	Restarts int       `json:"restarts"`
	LastExit string    `json:"last_exit"`
	Since    time.Time `json:"since"`
}

type supervisor struct {
	node *config

	// starting is held from a process' creation until it is in `running`, and by the reaper when
	// it looks there: an end is never reported before its beginning is known.
	starting sync.Mutex
	running  map[int]chan syscall.WaitStatus
	started  chan struct{}

	mutex  sync.Mutex
	states map[string]*state
	ready  map[string]chan struct{}
}

// supervise runs the components until a signal ends this process, and with it the node.
func supervise(node *config) error {
	s := &supervisor{
		node:    node,
		running: map[int]chan syscall.WaitStatus{},
		started: make(chan struct{}, 1),
		states:  map[string]*state{},
		ready:   map[string]chan struct{}{},
	}
	for _, c := range node.Components {
		s.states[c.Name] = &state{Name: c.Name, State: "waiting", Since: time.Now().UTC()}
		s.ready[c.Name] = make(chan struct{})
	}
	for _, c := range node.Components {
		for _, earlier := range c.After {
			if s.ready[earlier] == nil {
				return fmt.Errorf("%s waits for %s, which does not exist", c.Name, earlier)
			}
		}
	}
	s.tell(func() {})
	go s.bury()
	for _, c := range node.Components {
		go s.keep(c)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
	return nil
}

// keep starts a component when what it needs is there, and again whenever it ends.
func (s *supervisor) keep(c component) {
	for _, earlier := range c.After {
		<-s.ready[earlier]
	}
	log := &boundedLog{path: filepath.Join(s.node.Logs, c.Name+".log")}
	pause := firstPause
	for wasReady := false; ; {
		began := time.Now()
		ended, pid, err := s.start(c, log)
		if err == nil {
			s.set(c.Name, "starting", func(now *state) { now.Pid = pid })
			stop := make(chan struct{})
			if !c.Once {
				go s.awaitReady(c, stop, &wasReady)
			}
			status := <-ended
			close(stop)
			if c.Once && status.ExitStatus() == 0 {
				s.set(c.Name, "done", func(now *state) { now.Pid = 0 })
				close(s.ready[c.Name])
				return
			}
			err = fmt.Errorf("%s", describe(status))
		}
		s.set(c.Name, "ended", func(now *state) { now.Pid, now.Restarts, now.LastExit = 0, now.Restarts+1, err.Error() })
		fmt.Fprintf(log, "--- %s of the node: %v; starting again\n", c.Name, err)
		if time.Since(began) > time.Minute {
			pause = firstPause
		}
		time.Sleep(pause)
		pause = min(2*pause, longestPause)
	}
}

func (s *supervisor) awaitReady(c component, stop chan struct{}, wasReady *bool) {
	tick := time.NewTicker(pollReady)
	defer tick.Stop()
	for !answers(c.Listens) {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
	s.mutex.Lock()
	first := !*wasReady
	*wasReady = true
	s.mutex.Unlock()
	select {
	case <-stop:
	default:
		s.set(c.Name, "ready", func(*state) {})
	}
	if first {
		close(s.ready[c.Name])
	}
}

func answers(where string) bool {
	network, address, given := strings.Cut(where, ":")
	if !given {
		return true
	}
	connection, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

func (s *supervisor) start(c component, log io.Writer) (chan syscall.WaitStatus, int, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer write.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, 0, err
	}
	defer null.Close()
	environment := os.Environ()
	for name, value := range c.Env {
		environment = append(environment, name+"="+value)
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	pid, err := syscall.ForkExec(c.Command[0], c.Command, &syscall.ProcAttr{
		Dir:   "/",
		Env:   environment,
		Files: []uintptr{null.Fd(), write.Fd(), write.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		_ = read.Close()
		return nil, 0, fmt.Errorf("starting %s: %w", c.Command[0], err)
	}
	go func() {
		defer read.Close()
		_, _ = io.Copy(log, read)
	}()
	ended := make(chan syscall.WaitStatus, 1)
	s.running[pid] = ended
	select {
	case s.started <- struct{}{}:
	default:
	}
	return ended, pid, nil
}

// bury waits for every child: components, and the orphans a process 1 inherits (containers' shims).
func (s *supervisor) bury() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil { // No child at all: the next one is announced.
			<-s.started
			continue
		}
		s.starting.Lock()
		ended, known := s.running[pid]
		delete(s.running, pid)
		s.starting.Unlock()
		if known {
			ended <- status
		}
	}
}

func (s *supervisor) set(name, word string, change func(*state)) {
	s.tell(func() {
		now := s.states[name]
		now.State, now.Since = word, time.Now().UTC()
		change(now)
	})
}

func (s *supervisor) tell(change func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change()
	all := make([]*state, 0, len(s.node.Components))
	for _, c := range s.node.Components {
		all = append(all, s.states[c.Name])
	}
	if err := writeJSON(s.node.Status, all); err != nil {
		fmt.Fprintln(os.Stderr, "init: writing the status:", err)
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "ended by signal " + status.Signal().String()
	}
	return fmt.Sprintf("ended with code %d", status.ExitStatus())
}

// boundedLog keeps the last one to two times logBytes of what is written, in PATH and PATH.1.
type boundedLog struct {
	path string

	mutex sync.Mutex
	file  *os.File
	size  int64
}

func (l *boundedLog) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.file != nil && l.size > logBytes {
		_ = l.file.Close()
		l.file = nil
		_ = os.Rename(l.path, l.path+".1")
	}
	if l.file == nil {
		file, err := os.OpenFile(l.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
		if err != nil {
			return len(text), nil // A full disk must not stop a component by blocking its output.
		}
		l.file, l.size = file, 0
	}
	written, _ := l.file.Write(text)
	l.size += int64(written)
	return len(text), nil
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"varve": func() { os.Exit(realMain()) }})
}

// TestScripts runs commands as people do. Besides varve itself the scripts
// have
//
//	serve [FLAG…]        start `varve serve` and go on when it answers; sets URL, ADDRESS, SOCKET and PID
//	end [SIGNAL]         end it (TERM), and show what it said
//	hangup               send it SIGHUP
//	logged TEXT          wait until a line of its log has a text
//	settle               see TestChat
//	http METHOD PATH [BODY]   call it over its socket
//	attach THREAD ID FILE     give it an element with bytes
//	flip DIR OFFSET      flip a bit of the only file in a folder
//	field NAME KEY…      set NAME to what stands under a key of the JSON in stdout
func TestScripts(t *testing.T) { runScripts(t, "testdata", "") }

// TestChat runs the commands on conversations three times: through the server
// that holds the folder, on the database itself, and at a server that is named
// by its address. The scripts fill a server and then say settle.
func TestChat(t *testing.T) {
	for _, way := range []string{"socket", "direct", "remote"} {
		t.Run(way, func(t *testing.T) { runScripts(t, "testdata/chat", way) })
	}
}

// TestComponents runs the commands on components in the same three ways.
func TestComponents(t *testing.T) {
	for _, way := range []string{"socket", "direct", "remote"} {
		t.Run(way, func(t *testing.T) { runScripts(t, "testdata/components", way) })
	}
}

func runScripts(t *testing.T, dir, way string) {
	runScriptsOn(t, dir, way, func(*testscript.Env) error { return nil })
}

// runScriptsOn runs scripts after more was set up.
func runScriptsOn(t *testing.T, dir, way string, more func(*testscript.Env) error) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":  serveCmd,
			"end":    endCmd,
			"hangup": hangupCmd,
			"logged": loggedCmd,
			"settle": settleCmd,
			"http":   httpCmd,
			"attach": attachCmd,
			"field":  fieldCmd,
			"flip":   flipCmd,
		},
		Setup: func(e *testscript.Env) error {
			// Short, since a socket's path must be.
			dir, err := os.MkdirTemp("", "varve")
			if err != nil {
				return err
			}
			e.Defer(func() { os.RemoveAll(dir) })
			e.Setenv("DATA", filepath.Join(dir, "data"))
			e.Setenv("WAY", way)
			e.Setenv("GORACE", os.Getenv("GORACE")) // how programs under the race detector end
			examples, err := filepath.Abs("../../examples")
			if err != nil {
				return err
			}
			e.Setenv("EXAMPLES", examples)
			e.Setenv("LONG", strings.Repeat("long", 25))
			e.Values[serverKey] = &process{}
			return more(e)
		},
	})
}

func settleCmd(ts *testscript.TestScript, neg bool, args []string) {
	switch ts.Getenv("WAY") {
	case "direct":
		endCmd(ts, neg, nil)
	case "remote":
		ts.Setenv("VARVE_URL", ts.Getenv("URL"))
	}
}

const serverKey = "server"

// process is a running `varve serve` and what it said.
type process struct {
	cmd  *exec.Cmd
	said announcement
	out  bytes.Buffer
	log  *bufio.Reader
	seen strings.Builder // of the log
}

func of(ts *testscript.TestScript) *process { return ts.Value(serverKey).(*process) }

func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || s.cmd != nil {
		ts.Fatalf("serve starts one server")
	}
	s.start(ts, args)
	for _, address := range s.said.Listen {
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			ts.Setenv("SOCKET", ts.MkAbs(path))
		} else {
			ts.Setenv("URL", address)
			ts.Setenv("ADDRESS", strings.TrimPrefix(address, "http://"))
		}
	}
	ts.Setenv("PID", fmt.Sprint(s.said.PID))
}

// start runs the program until it says that it answers.
func (s *process) start(ts *testscript.TestScript, args []string) {
	program, err := lookPath(ts.Getenv("PATH"))
	ts.Check(err)
	s.cmd = exec.Command(program, append([]string{"serve", "--json"}, args...)...)
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Env = []string{}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GORACE", "VARVE_LOG", "VARVE_URL", "VARVE_LISTEN", "VARVE_DATA",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "BUCKET_NAME", "APP_AWS_ACCESS_KEY", "APP_AWS_SECRET_KEY", "APP_AWS_REGION", "DEV_AWS_ENDPOINT"} {
		if v := ts.Getenv(name); v != "" {
			s.cmd.Env = append(s.cmd.Env, name+"="+v)
		}
	}
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	stderr, err := s.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() {
		if s.cmd != nil {
			s.cmd.Process.Kill()
			s.cmd.Wait()
		}
	})
	s.log = bufio.NewReader(stderr)
	first, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		rest, _ := io.ReadAll(s.log)
		s.cmd.Wait()
		s.cmd = nil
		ts.Fatalf("the server did not start: %s", rest)
	}
	ts.Check(json.Unmarshal(first, &s.said))
	s.out.Write(first)
	fmt.Fprintf(ts.Stdout(), "%s", first)
}

func lookPath(path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		p := filepath.Join(dir, "varve")
		if info, err := os.Stat(p); err == nil && info.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", exec.ErrNotFound
}

func endCmd(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if s.cmd == nil {
		ts.Fatalf("no server runs")
	}
	signal := syscall.SIGTERM
	if len(args) == 1 {
		signal = map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}[args[0]]
	}
	ts.Check(s.cmd.Process.Signal(signal))
	rest, err := io.ReadAll(s.log)
	ts.Check(err)
	s.seen.Write(rest)
	err = s.cmd.Wait()
	s.cmd = nil
	fmt.Fprint(ts.Stderr(), s.seen.String())
	s.seen.Reset()
	if killed := signal == syscall.SIGKILL; !killed && neg != (err != nil) {
		ts.Fatalf("the server ended with %v", err)
	}
}

func hangupCmd(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(of(ts).cmd.Process.Signal(syscall.SIGHUP))
}

// loggedCmd reads the log up to a line with a text; the test's own time limit
// ends a wait for what does not come.
func loggedCmd(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	for neg || len(args) != 1 || s.cmd == nil {
		ts.Fatalf("usage: logged TEXT, while a server runs")
	}
	for {
		text, err := s.log.ReadString('\n')
		s.seen.WriteString(text)
		ts.Check(err)
		if strings.Contains(text, args[0]) {
			return
		}
	}
}

func httpCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD PATH [BODY]")
	}
	var body io.Reader
	if len(args) > 2 {
		body = strings.NewReader(args[2])
	}
	r, err := http.NewRequest(args[0], "http://varve.localhost"+args[1], body)
	ts.Check(err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := overSocket(ts.Getenv("SOCKET")).Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", raw)
	if failed := answer.StatusCode >= 400; failed != neg {
		ts.Fatalf("status %s: %s", answer.Status, raw)
	}
}

func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}}}
}

func fieldCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: field NAME KEY…")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, key := range args[1:] {
		object, ok := v.(map[string]any)
		if !ok || object[key] == nil {
			ts.Fatalf("there is no %q", key)
		}
		v = object[key]
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

func flipCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip DIR OFFSET")
	}
	at, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	var names []string
	ts.Check(filepath.WalkDir(args[0], func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	}))
	if len(names) != 1 {
		ts.Fatalf("there are %d files in %s", len(names), args[0])
	}
	f, err := os.OpenFile(names[0], os.O_RDWR, 0)
	ts.Check(err)
	defer f.Close()
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	ts.Check(err)
	b[0] ^= 1
	_, err = f.WriteAt(b, at)
	ts.Check(err)
}

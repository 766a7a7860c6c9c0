package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// load is what a server did under many clients.
type load struct {
	perSecond float64
	times     times
	cpu       time.Duration // of the server, per request
}

// storm sends n steps of 1 KB from clients that each wait for the answer to
// one before they send the next. It speaks just enough HTTP to cost little
// beside the server on the same machine.
func storm(b *testing.B, p *process, clients, n int) load {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	found := make([]times, clients)
	failed := make(chan error, clients)
	before, start := p.cpu(b), time.Now()
	for c := range clients {
		wg.Go(func() {
			t, err := client(p.address, func() int { return int(next.Add(1)) }, n)
			if err != nil {
				failed <- err
			}
			found[c] = t
		})
	}
	wg.Wait()
	took := time.Since(start)
	close(failed)
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	all := slices.Concat(found...)
	slices.Sort(all)
	return load{float64(n) / took.Seconds(), all, (p.cpu(b) - before) / time.Duration(n)}
}

// client sends steps over one connection while next gives numbers up to n.
func client(address string, next func() int, n int) (times, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var t times
	in := bufio.NewReader(c)
	for i := next(); i <= n; i = next() {
		call := putStep(i)
		start := time.Now()
		if _, err := c.Write(call); err != nil {
			return nil, err
		}
		if err := answered(in); err != nil {
			return nil, err
		}
		t = append(t, time.Since(start))
	}
	return t, nil
}

// putStep is a whole request. Its text is made once: a client that encodes
// JSON would be measured along.
func putStep(n int) []byte {
	return fmt.Appendf(nil, stepRequest(), uuid.NewString(), threadID(n%1000), moment(n))
}

var stepRequest = sync.OnceValue(func() string {
	const id, thread, at = "%[1]s", "%[2]s", "%[3]s"
	s := step(thread, 0)
	s.ID, s.CreatedAt, s.Start, s.End = id, at, at, at
	body, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	length := len(fmt.Sprintf(string(body), uuid.NewString(), threadID(0), moment(0)))
	return fmt.Sprintf("PUT /v1/steps/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", id, length, body)
})

// answered reads one answer, which must be 200 and tell its length.
func answered(in *bufio.Reader) error {
	length := 0
	for n := 0; ; n++ {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if n == 0 && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("the server answered %q", line)
		}
		if name, value, _ := bytes.Cut(line, []byte(": ")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
	_, err := io.CopyN(io.Discard, in, int64(length))
	return err
}

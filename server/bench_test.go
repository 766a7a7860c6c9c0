package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/server"
)

// BenchmarkPutStep is the way of one step of 1 KB from a Go client through the
// server into a memory store, by 64 clients at once: what HTTP costs.
func BenchmarkPutStep(b *testing.B) {
	for _, way := range []string{"tcp", "unix"} {
		b.Run(way, func(b *testing.B) {
			bench := start(b, func(o *server.Options) { o.Log = slog.New(slog.DiscardHandler) })
			address := bench.url
			if way == "unix" {
				address = "unix:" + bench.socket
			}
			c, err := client.New(address, client.Options{Connections: 128})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			output := strings.Repeat("x", 1000)
			var n atomic.Int64
			b.SetParallelism(32) // times GOMAXPROCS: 64 clients on two cores
			b.ReportAllocs()
			before := cpuTime(b)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					step := chat.Step{ID: fmt.Sprintf("s%d", i), ThreadID: fmt.Sprintf("t%d", i%1000), Type: "assistant_message",
						Name: "bot", Output: output, CreatedAt: "2026-01-02T03:04:05.000001Z", Metadata: chat.Object{"k": "v"}}
					if _, err := c.Chat().PutStep(b.Context(), step); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
			// Of client and server together; it says more than steps/s where
			// other programs run.
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpuTime is what this process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHandler is the server's own part of a step, without a connection.
func BenchmarkHandler(b *testing.B) {
	bench := start(b, func(o *server.Options) { o.Log = slog.New(slog.DiscardHandler) })
	h := bench.server.Handler()
	ctx := context.WithValue(b.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	body := `{"threadId":"t","type":"assistant_message","name":"bot","output":"` + strings.Repeat("x", 1000) +
		`","createdAt":"2026-01-02T03:04:05.000001Z","metadata":{"k":"v"},"streaming":false,"tags":null}`
	b.ReportAllocs()
	for i := range b.N {
		r, err := http.NewRequestWithContext(ctx, "PUT", "http://localhost/v1/steps/s"+strconv.Itoa(i%1000), strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}

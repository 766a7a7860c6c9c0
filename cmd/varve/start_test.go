package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/page"
)

// BenchmarkStart measures the time from the start of the process to its first
// answer, on a database that is there, and the memory of a server that then
// has nothing to do. The goals are 300 ms and 80 MB.
func BenchmarkStart(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkStart(b, "") })
	b.Run("postgres", func(b *testing.B) { benchmarkStart(b, pgtest.New(b)) })
}

func benchmarkStart(b *testing.B, url string) {
	dir, err := os.MkdirTemp("", "varve")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	firstAnswer(b, dir, url) // makes the database
	var memory float64
	b.ResetTimer()
	for b.Loop() {
		memory = max(memory, firstAnswer(b, dir, url))
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/start")
	b.ReportMetric(memory, "MB-resident")
	b.ReportMetric(0, "ns/op")
}

// firstAnswer starts a server, asks it for a page of threads, and ends it.
func firstAnswer(b *testing.B, dir, url string) (megabytes float64) {
	s := startServer(b, dir, url)
	if _, err := s.client.Chat().Threads(context.Background(), chat.ThreadFilter{}, page.Request{}); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	megabytes = resident(s.cmd.Process.Pid)
	s.client.Close()
	s.cmd.Process.Signal(os.Interrupt)
	s.cmd.Wait()
	b.StartTimer()
	return megabytes
}

// resident is the memory of a process; 0 where there is no /proc.
func resident(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	var kilobytes float64
	fmt.Sscan(rest, &kilobytes)
	return kilobytes / 1000
}

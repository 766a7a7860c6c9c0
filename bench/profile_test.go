package bench

import (
	"flag"
	"os"
	"os/exec"
	"testing"

	"github.com/varvedb/varve/server"
)

// BenchmarkProfileServe is the storm of BenchmarkServeSteps on a server inside
// this process, for those who ask where the time goes:
//
//	go test ./bench -run '^$' -bench ProfileServe -benchtime 1x -cpuprofile cpu.out
//
// BenchmarkSQLiteAppend can be profiled as it is.
func BenchmarkProfileServe(b *testing.B) {
	if flag.Lookup("test.cpuprofile").Value.String() == "" {
		b.Skip("says nothing without -cpuprofile")
	}
	db, _ := openFile(b)
	address := freeAddress(b)
	s, err := server.New(server.Options{Listen: []string{address},
		Databases: []server.Database{{Name: "default", Chat: db.Chat(), Ping: db.Ping}}})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	self := &process{address: address, cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	l := storm(b, self, 64, size(40_000, 2000))
	b.ReportMetric(l.perSecond, "steps/s")
	b.ReportMetric(float64(l.cpu.Microseconds()), "cpu-µs/step") // the clients' too
}

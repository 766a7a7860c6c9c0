package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkServeSteps is the whole way: 64 clients, each waiting until its step
// is durable, over HTTP into a SQLite file.
func BenchmarkServeSteps(b *testing.B) {
	const clients = 64
	varve, bare := build(b, "../cmd/varve"), build(b, "./floor/hello")
	server := startVarve(b, varve, b.TempDir())
	floor := startServer(b, bare, "/", func(address string) []string { return []string{address} })
	n := size(30_000, 2000)
	storm(b, server, clients, 2000) // tables are made, files grow
	var ours, beside []load
	for range size(4, 1) {
		ours = append(ours, storm(b, server, clients, n))
		beside = append(beside, storm(b, floor, clients, n))
	}
	us, them := middleLoad(ours), middleLoad(beside)
	p := results.part(fmt.Sprintf("SQLite: step writes over HTTP from %d clients", clients),
		"varve serve, loopback TCP, steps of 1 KB, WAL, synchronous=FULL; the clients are on the same cores")
	p.floor("fdatasync of 4 KB, per second", rate(syncs(b, size(400, 10))))
	p.rate(us.perSecond, "a bare net/http server that keeps nothing", them.perSecond, 0)
	p.value("durable steps per second", rate(us.perSecond), "≥ 8000/s", us.perSecond >= 8000)
	p.value("99 % were answered within", duration(us.times.at(0.99)), "< 30 ms", us.times.at(0.99) < 30*time.Millisecond)
	p.slower(us.cpu, "the server's CPU per step; the bare server's", them.cpu, 0)
}

func middleLoad(all []load) load {
	slices.SortFunc(all, func(a, b load) int { return int(a.perSecond - b.perSecond) })
	return all[len(all)/2]
}

// BenchmarkServeStart is how soon a server answers and how much memory it
// holds, beside a server in Go that does nothing.
func BenchmarkServeStart(b *testing.B) {
	varve, bare := build(b, "../cmd/varve"), build(b, "./floor/hello")
	folder := b.TempDir()
	db := open(b, "sqlite:"+filepath.Join(folder, "varve.db"))
	threads, burst := size(1000, 20), size(20_000, 500)
	fill(b, db, putUser(b, db), 0, threads, 30)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	var full, fresh, floor times
	var idle, idleFloor, loaded float64
	for range size(5, 1) {
		s := startVarve(b, varve, folder)
		idle = s.settled()
		if loaded == 0 {
			storm(b, s, 64, burst)
			loaded = s.settled()
		}
		full = append(full, s.took)
		s.stop(b)
		s = startVarve(b, varve, b.TempDir())
		fresh = append(fresh, s.took)
		s.stop(b)
		s = startServer(b, bare, "/", func(address string) []string { return []string{address} })
		idleFloor = s.settled()
		floor = append(floor, s.took)
		s.stop(b)
	}
	p := results.part("varve serve: from its start to the first list", "new process, default settings, SQLite, loopback TCP; beside a bare net/http server")
	slices.Sort(full)
	slices.Sort(fresh)
	slices.Sort(floor)
	p.slower(fresh.median(), "an empty folder", floor.median(), 0)
	p.slower(full.median(), fmt.Sprintf("a folder with %d threads × 30 steps", threads), floor.median(), 0)
	p.value("the slower of them", duration(max(full.median(), fresh.median())), "< 300 ms", max(full.median(), fresh.median()) < 300*time.Millisecond)
	p = results.part("varve serve: memory when idle", "resident set; beside a bare net/http server")
	p.value("after the first list", megabytes(idle), "< 80 MB", idle < 80e6)
	p.value(fmt.Sprintf("after %d steps from 64 clients", burst), megabytes(loaded), "< 80 MB", loaded < 80e6)
	p.floor("a bare net/http server", megabytes(idleFloor))
}

// settled is the memory after a while without work, in which Go's collector
// gives back what it can.
func (p *process) settled() float64 {
	<-time.After(3 * time.Second)
	return p.resident()
}

func megabytes(bytes float64) string { return fmt.Sprintf("%.1f MB", bytes/1e6) }

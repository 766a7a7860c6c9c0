package bench

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

var tableFile = flag.String("table", "", "a file to write the table to as well")

func TestMain(m *testing.M) {
	if raw := os.Getenv(writerEnv); raw != "" {
		os.Exit(write(os.Stdout, raw))
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	load := machineLoad()
	code := m.Run()
	if len(results.parts) == 0 {
		return code
	}
	var out strings.Builder
	header(&out, load)
	results.print(&out)
	fmt.Println(out.String())
	if *tableFile != "" {
		if err := os.WriteFile(*tableFile, []byte(out.String()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// header says when and on what: a kind of machine, never whose.
func header(w io.Writer, load string) {
	fmt.Fprintf(w, "Varve beside its peers and floors, %s\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(w, "%d cores, %s, %s, %s\n", runtime.NumCPU(), memory(), system(), fmt.Sprintf("load %s before and %s after", load, machineLoad()))
	postgres := output("sh", "-c", "$(ls /usr/lib/postgresql/*/bin/postgres | tail -1) --version")
	mariadb := output("sh", "-c", "PATH=$PATH:/usr/sbin mariadbd --version")
	fmt.Fprintf(w, "%s, %s\nPostgreSQL %s, MariaDB %s, gcc %s, %s\n", strings.Replace(runtime.Version(), "go", "Go ", 1), strings.TrimSuffix(modules(), ","),
		first(`[0-9.]+`, postgres), first(`[0-9.]+`, mariadb), output("gcc", "-dumpfullversion"), python())
	fmt.Fprintf(w, "Times are medians; everything is on loopback and one disk.\n\n")
}

func memory() string {
	kb, _ := strconv.ParseFloat(first(`[0-9]+`, read("/proc/meminfo")), 64)
	return fmt.Sprintf("%.0f GiB", kb/(1<<20))
}

func system() string {
	name := first(`(?m)^PRETTY_NAME="[^"(]*`, read("/etc/os-release"))
	_, name, _ = strings.Cut(name, `"`)
	return strings.TrimSpace(strings.ReplaceAll(name, "GNU/Linux ", ""))
}

// machineLoad tells how much runs. Where that was much before the benchmarks
// began, others shared the cores: then only ratios are worth reading.
func machineLoad() string {
	return first(`^\S+`, read("/proc/loadavg"))
}

// modules names the versions of what is measured with.
func modules() string {
	return output("go", "list", "-m", "-f", "{{.Path}} {{.Version}},", "github.com/ncruces/go-sqlite3", "github.com/jackc/pgx/v5", "github.com/go-sql-driver/mysql")
}

// python names what the peers run on.
func python() string {
	const names = `import importlib.metadata as m, platform
print("Python", platform.python_version(), *(f", {n} {m.version(n)}" for n in ("chainlit", "sqlalchemy", "asyncpg", "aiosqlite")))`
	return strings.ReplaceAll(output(peerPython(), "-c", names), " ,", ",")
}

func read(file string) string {
	text, _ := os.ReadFile(file)
	return string(text)
}

func output(name string, args ...string) string {
	out, _ := exec.Command(name, args...).Output()
	return strings.Join(strings.Fields(string(out)), " ")
}

func first(pattern, text string) string { return regexp.MustCompile(pattern).FindString(text) }

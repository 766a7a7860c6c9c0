package bundle_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/bundle"
	"github.com/varvedb/varve/errs"
)

// exported is the search application as an export.
func exported(t *testing.T, name string) (path string, digest artifact.Digest) {
	t.Helper()
	dir, err := os.MkdirTemp("", "varve") // short, since a socket's path must be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := newWorld(t)
	must[component.Result](t)(w.Apply(t.Context(), search(t, w)))
	path = filepath.Join(dir, name)
	told := must[bundle.Told](t)(bundle.Export(t.Context(), w, w.bytes, component.Newest("application", "search"), path))
	return path, told.Digest
}

// A manifest's memory is bounded by what an export can name, not by its text.
func TestAManifestOfTooManyNames(t *testing.T) {
	for _, list := range []string{"files", "artifacts"} {
		dir := t.TempDir()
		text := `{"version":1,"` + list + `":[` + strings.Repeat("{},", 5<<20) + `{}]}`
		if err := os.WriteFile(filepath.Join(dir, bundle.ManifestName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b, err := bundle.Read(t.Context(), dir)
		runtime.ReadMemStats(&after)
		if err == nil {
			b.Close()
		}
		if !errors.Is(err, errs.TooLarge) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", list, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 160<<20 {
			t.Errorf("%d MiB of a text of %d", took>>20, len(text)>>20)
		}
	}
}

// refuses: such an export is not read.
func refuses(t *testing.T, path, says string) {
	t.Helper()
	b, err := bundle.Read(t.Context(), path)
	if err == nil {
		b.Close()
	}
	if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want errs.Invalid and %q", err, says)
	}
}

func TestATamperedFolderIsRefused(t *testing.T) {
	for _, how := range []struct {
		name string
		harm func(path string) error
		says string
	}{
		{"a byte of an artifact", func(p string) error { return flip(first(p, "blobs/*"), 10) }, "not what was exported"},
		{"a byte of a file", func(p string) error { return flip(first(p, "files/*/vocabulary/a.txt"), 0) }, "not what was exported"},
		{"a byte of the components", func(p string) error { return flip(p+"/component.json", 30) }, "not what was exported"},
		{"a longer file", func(p string) error { return os.WriteFile(first(p, "blobs/*"), []byte("short"), 0o600) }, "not as large"},
		{"a missing file", func(p string) error { return os.Remove(first(p, "files/*/vocabulary.txt")) }, "is missing"},
		{"a missing artifact", func(p string) error { return os.RemoveAll(p + "/blobs") }, "is missing"},
		{"no manifest", func(p string) error { return os.Remove(p + "/manifest.json") }, "no manifest.json"},
		{"no components", func(p string) error { return os.Remove(p + "/component.json") }, "is missing"},
		{"a file more", func(p string) error { return os.WriteFile(p+"/more", nil, 0o600) }, "does not name it"},
		{"a file more in a folder", func(p string) error { return os.WriteFile(filepath.Dir(first(p, "files/*/empty"))+"/x", nil, 0o600) }, "does not name it"},
		{"a link", func(p string) error {
			return replace(first(p, "blobs/*"), func(to string) error { return os.Symlink("/etc/passwd", to) })
		}, "no plain file"},
		{"a link within", func(p string) error { return os.Symlink("component.json", p+"/x") }, "no plain file"},
		{"a device", func(p string) error { return replace(p+"/component.json", socket) }, "no plain file"},
		{"a folder in place of a file", func(p string) error {
			return replace(p+"/component.json", func(to string) error { return os.Mkdir(to, 0o700) })
		}, "is missing"},
		{"an empty manifest", func(p string) error { return os.WriteFile(p+"/manifest.json", nil, 0o600) }, "manifest.json is damaged"},
		{"a manifest of a newer Varve", func(p string) error { return edit(p, func(m *bundle.Manifest) { m.Version = 2 }) }, "newer Varve"},
		{"a manifest with another field", func(p string) error { return swap(p, `"version"`, `"x": 1, "version"`) }, "damaged"},
		{"a field of the manifest twice", func(p string) error { return swap(p, `"version"`, `"files": [], "version"`) }, "damaged"},
		{"an artifact that is not there", func(p string) error {
			return edit(p, func(m *bundle.Manifest) { m.Artifacts[0].Digest = "00" + m.Artifacts[0].Digest[2:] })
		}, "are not those that its digest says"},
		{"an artifact that is not named", func(p string) error { return edit(p, func(m *bundle.Manifest) { m.Artifacts = m.Artifacts[1:] }) }, "does not name"},
		{"an artifact of another kind", func(p string) error {
			return edit(p, func(m *bundle.Manifest) {
				i := slices.IndexFunc(m.Artifacts, func(a artifact.Info) bool { return a.MediaType != artifact.FolderType })
				m.Artifacts[i].MediaType = artifact.FolderType
			})
		}, "are not those that its digest says"},
	} {
		t.Run(how.name, func(t *testing.T) {
			path, _ := exported(t, "x")
			if err := how.harm(path); err != nil {
				t.Fatal(err)
			}
			refuses(t, path, how.says)
		})
	}
	if _, err := bundle.Read(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, errs.NotFound) {
		t.Errorf("of nothing: %v", err)
	}
}

func first(path, pattern string) string {
	list, err := filepath.Glob(filepath.Join(path, filepath.FromSlash(pattern)))
	if err != nil || len(list) == 0 {
		panic(fmt.Sprint("there is no ", pattern))
	}
	return list[0]
}

func flip(path string, at int) error {
	raw, err := os.ReadFile(path)
	if err == nil {
		raw[at] ^= 1
		err = os.WriteFile(path, raw, 0o600)
	}
	return err
}

func replace(path string, with func(string) error) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return with(path)
}

// socket makes a file that is no plain one.
func socket(path string) error {
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	return l.Close()
}

// edit writes a manifest as Export would.
func edit(path string, change func(*bundle.Manifest)) error {
	name := filepath.Join(path, bundle.ManifestName)
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var m bundle.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	change(&m)
	if raw, err = json.MarshalIndent(m, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(name, append(raw, '\n'), 0o600)
}

func swap(path, old, with string) error {
	name := filepath.Join(path, bundle.ManifestName)
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, bytes.Replace(raw, []byte(old), []byte(with), 1), 0o600)
}

// A manifest that was made to fit does not help.
func TestPathsThatLeadElsewhereAreRefused(t *testing.T) {
	blob := strings.Repeat("a", 64)
	out, place, twice := "leads out of the export", "has no place in an export", "are one path"
	for path, says := range map[string]string{"../x": out, "/etc/passwd": out, "blobs/../../x": out, "blobs\\x": out, "C:x": out, "x\x00": out, "": out, ".": out,
		"files/" + blob + "/": out, "files/" + blob + "/../x": out, "component.json": out, "blobs/x": place, "files/" + blob: place, "x": place, "manifest.json": place,
		"blobs/" + strings.ToUpper(blob): place, "BLOBS/" + blob: place, "component.json/x": twice, "Component.json": place,
		"files/FOLDER/Vocabulary.txt": twice, "files/FOLDER/vocabulary/A.txt": twice, "files/FOLDER/VOCABULARY/b": twice, "files/FOLDER/empty/x": twice, "files/FOLDER/\u212aelvin": "not those", "files/" + blob + "/x": "does not name"} {
		t.Run(fmt.Sprintf("%q", path), func(t *testing.T) {
			p, _ := exported(t, "x")
			folder := strings.Split(filepath.ToSlash(first(p, "files/*/vocabulary.txt")), "/")
			path = strings.Replace(path, "FOLDER", folder[len(folder)-2], 1)
			if err := edit(p, func(m *bundle.Manifest) {
				at, _ := slices.BinarySearchFunc(m.Files, path, func(f artifact.File, path string) int { return strings.Compare(f.Path, path) })
				m.Files = slices.Insert(m.Files, at, artifact.File{Path: path, Digest: artifact.Digest(blob)})
			}); err != nil {
				t.Fatal(err)
			}
			refuses(t, p, says)
		})
	}
}

// entry is one of an archive that is made by hand.
type entry struct {
	zip.FileHeader
	text string
}

func pack(t *testing.T, entries []entry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for _, e := range entries {
		create := w.CreateHeader
		if e.UncompressedSize64 > 0 {
			create = w.CreateRaw
		}
		to, err := create(&e.FileHeader)
		if err == nil {
			_, err = io.WriteString(to, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// unpacked are the entries of an archive.
func unpacked(t *testing.T, path string) (out []entry) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, entry{zip.FileHeader{Name: f.Name, Method: zip.Store}, string(text)})
	}
	return out
}

func TestATamperedArchiveIsRefused(t *testing.T) {
	path, digest := exported(t, "x.zip")
	whole := slices.Clip(unpacked(t, path))
	b := must[*bundle.Bundle](t)(bundle.Read(t.Context(), pack(t, append(whole, entry{FileHeader: zip.FileHeader{Name: "blobs/", Method: zip.Store}}))))
	defer b.Close()
	if b.Digest != digest {
		t.Errorf("packed anew it is another")
	}
	with := func(change func(e *entry)) []entry {
		out := append([]entry{}, whole...)
		change(&out[len(out)-1])
		return out
	}
	huge := entry{zip.FileHeader{Name: "x", Method: zip.Store, UncompressedSize64: 1 << 50, CompressedSize64: 1 << 50, CRC32: crc32.ChecksumIEEE([]byte("a"))}, "a"}
	for _, how := range []struct {
		name    string
		entries []entry
		says    string
	}{
		{"compressed", with(func(e *entry) { e.Method = zip.Deflate }), "compressed"},
		{"a link", with(func(e *entry) { e.SetMode(fs.ModeSymlink | 0o777) }), "no plain file"},
		{"a device", with(func(e *entry) { e.SetMode(fs.ModeDevice) }), "no plain file"},
		{"twice", append(whole, whole[0]), "twice"},
		{"a file more", append(whole, entry{FileHeader: zip.FileHeader{Name: "../x", Method: zip.Store}}), ""},
		{"a file less", whole[:len(whole)-1], "missing"},
		{"a folder with bytes", append(whole, entry{FileHeader: zip.FileHeader{Name: "x/", Method: zip.Store, UncompressedSize64: 1, CompressedSize64: 1}}), "no plain file"},
		{"more than there is", append(whole, huge), "than it is large"},
	} {
		t.Run(how.name, func(t *testing.T) { refuses(t, pack(t, how.entries), how.says) })
	}
}

// Whatever byte is another: the export is refused, or nothing of what counts
// has changed.
func TestEveryByteCounts(t *testing.T) {
	w := newWorld(t)
	m := &component.Model{Base: named("m"), Artifacts: map[string]component.Bytes{"a": {Data: bytes.Repeat([]byte("x"), 5000)}}}
	must[component.Result](t)(w.Apply(t.Context(), m))
	path := filepath.Join(t.TempDir(), "x.zip")
	told := must[bundle.Told](t)(bundle.Export(t.Context(), w, w.bytes, component.Newest("model", "m"), path))
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	try := func(harmed []byte) {
		if err := os.WriteFile(path, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Read(t.Context(), path)
		switch {
		case err != nil && !errors.Is(err, errs.Invalid):
			t.Fatalf("got %v", err)
		case err != nil:
			counted++
		default:
			if b.Digest != told.Digest {
				t.Errorf("a harmed export was read as another")
			}
			b.Close()
		}
	}
	at := 0
	for ; at < len(raw); at += 13 {
		harmed := bytes.Clone(raw)
		harmed[at] ^= 0x41
		try(harmed)
		try(raw[:at])
	}
	if counted < at/13 {
		t.Errorf("only %d of %d were refused", counted, 2*at/13)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Read(t.Context(), path)
		if err == nil {
			b.Close()
		}
	})
}

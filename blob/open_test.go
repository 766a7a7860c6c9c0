package blob_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

func TestAFolderIsOpenedByAnyOfItsNames(t *testing.T) {
	dir := t.TempDir()
	for n, address := range []string{dir, "file://" + dir, "filesystem://" + dir, "file:" + dir} {
		b, err := blob.Open(t.Context(), address, nil, blob.Options{Within: "databases/x/"})
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		defer b.Close()
		if n == 0 {
			if _, err := b.Write(t.Context(), "k", strings.NewReader("x"), ""); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(t, b, "k"); got != "x" {
			t.Errorf("%s reads %q", address, got)
		}
	}
	if n := files(t, filepath.Join(dir, "databases", "x")); n != 1 {
		t.Errorf("%d files in the database's folder", n)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	openers := map[string]blob.Opener{"s3": func(context.Context, *url.URL, blob.Options) (*blob.Bucket, error) {
		return nil, errors.New("was opened")
	}}
	for address, kind := range map[string]errs.Kind{
		"gs://bucket": errs.Unsupported, "s3:bucket": errs.Invalid, "s3://b?links=both": errs.Invalid, "s3://k:hunter2@b": errs.Invalid, "s3://%zz": errs.Invalid, "s3://b?hunter2%zz": errs.Invalid,
	} {
		_, err := blob.Open(t.Context(), address, openers, blob.Options{})
		if !errors.Is(err, kind) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestRedacted(t *testing.T) {
	for address, want := range map[string]string{
		"./folder?x": "./folder?x", "file:///a": "file:///a",
		"s3://b?region=r&endpoint=http://h:1":        "s3://b?region=r&endpoint=http://h:1",
		"s3://b?region=r&secret=hunter2":             "s3://b?region=r&secret=xxxxx",
		"s3://b?region=r&endpoint=http://u:hunter2@": "s3://b?endpoint=xxxxx&region=r",
		"s3://key:hunter2@b":                         "s3://key:xxxxx@b",
		"azblob://c?account=a&sig=hunter2":           "azblob://c?account=a&sig=xxxxx",
		"abfss://c@a.dfs.core.windows.net":           "abfss://c@a.dfs.core.windows.net",
		"s3://b?hunter2%zz":                          "s3://b",
		"s3://hunter2 b":                             "s3:xxxxx",
		"gs://b?endpoint=http://h&links=server&a%3D": "gs://b?a%3D=xxxxx&endpoint=http%3A%2F%2Fh&links=server",
	} {
		if got := blob.Redacted(address); got != want {
			t.Errorf("%s is shown as %s", address, got)
		}
	}
}

func TestTheBucketOfChainlitsVariables(t *testing.T) {
	aws := []string{"APP_AWS_ACCESS_KEY=a", "APP_AWS_SECRET_KEY=b", "APP_AWS_REGION=c"}
	azure := []string{"APP_AZURE_STORAGE_ACCOUNT=a", "APP_AZURE_STORAGE_ACCESS_KEY=b"}
	name := []string{"BUCKET_NAME=files"}
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, c := range []struct {
		environ []string
		want    string
		several bool
	}{
		{nil, "", false}, {name, "", false}, {aws, "", false}, {join(name, aws[:2]), "", false},
		{join(name, aws), "s3://files", false}, {join(name, azure), "azblob://files", false},
		{join(name, []string{"APP_GCS_PROJECT_ID=p"}), "gs://files", false}, {join(name, aws, azure), "", true},
	} {
		env := map[string]string{}
		for _, entry := range c.environ {
			k, v, _ := strings.Cut(entry, "=")
			env[k] = v
		}
		if got, several := blob.ChainlitURL(func(name string) string { return env[name] }); got != c.want || several != c.several {
			t.Errorf("%q name %q, %v", c.environ, got, several)
		}
	}
}

func TestClockOff(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for off, want := range map[time.Duration]bool{0: false, 4 * time.Minute: false, -4 * time.Minute: false, 6 * time.Minute: true, -time.Hour: true} {
		h := http.Header{"Date": {now.Add(off).UTC().Format(http.TimeFormat)}}
		if got := blob.ClockOff(h, now); got != want {
			t.Errorf("%v: %v", off, got)
		}
	}
	if blob.ClockOff(http.Header{}, now) {
		t.Error("an answer without a time")
	}
}

// A folder is looked at by writing a file, which does not stay: one that is full,
// closed or gone answers all the same.
func TestCheckTellsOfAFolderThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "elements")
	b, err := blob.OpenFolder(dir, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	if err := b.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(t.Context()); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "permissions") {
		t.Errorf("a folder that is gone: %v", err)
	}
}

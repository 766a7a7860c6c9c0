package server_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
)

// withRooms gives the server rooms that are open already.
func withRooms(rooms componenttest.Rooms) func(*server.Options) {
	return func(o *server.Options) {
		db := &o.Databases[0]
		db.Components, db.Artifacts, db.Query = rooms.Components, rooms.Artifacts, rooms.Query
	}
}

func inMemory(*testing.T) store.Store { return memory.Open() }

func inSQLite(t *testing.T) store.Store {
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "varve.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// The client satisfies the suite that the service satisfies.
func TestComponentsOverHTTP(t *testing.T) {
	componenttest.RunAPI(t, inMemory, func(t *testing.T, rooms componenttest.Rooms) component.API {
		b := start(t, withRooms(rooms))
		return b.client(b.url, client.Options{}).Components()
	})
}

func TestComponentsOfSQLiteOverHTTP(t *testing.T) {
	componenttest.RunAPI(t, inSQLite, func(t *testing.T, rooms componenttest.Rooms) component.API {
		b := start(t, withRooms(rooms))
		return b.client(b.url, client.Options{}).Components()
	})
}

func TestComponentsOverSocket(t *testing.T) {
	componenttest.HistoriesAPI(t, 4, 60, inMemory, func(t *testing.T, rooms componenttest.Rooms) component.API {
		b := start(t, withRooms(rooms))
		return b.client("unix:"+b.socket, client.Options{}).Components()
	})
}

func TestComponentsWithAKey(t *testing.T) {
	componenttest.HistoriesAPI(t, 2, 60, inMemory, func(t *testing.T, rooms componenttest.Rooms) component.API {
		file, use := withKeys(t, nil)
		b := start(t, withRooms(rooms), use)
		return b.client(b.url, client.Options{APIKey: token(t, file, "", keys.Admin)}).Components()
	})
}

func TestArtifactsOverHTTP(t *testing.T) {
	open := func(*testing.T) artifact.Index { return memory.Open().Artifacts() }
	artifacttest.RunAPI(t, open, func(t *testing.T, kept *artifact.Store) artifact.API {
		b := start(t, func(o *server.Options) { o.Databases[0].Artifacts = kept })
		return b.client(b.url, client.Options{}).Artifacts()
	})
}

// Who does not say that it verifies gets no damaged bytes whole.
func TestLargeArtifactsAreVerifiedUnlessTheCallerDoes(t *testing.T) {
	index, bucket := memory.Open().Artifacts(), &artifacttest.Bucket{}
	kept := artifact.New(bucket, index, artifact.Options{})
	const size = 3 << 20
	info, err := kept.Put(t.Context(), strings.NewReader(strings.Repeat("x", size)), "text/plain")
	if err != nil {
		t.Fatal(err)
	}
	bucket.Harm(t, info.Digest, index, func(b []byte) []byte { b[0] = 'y'; return b })
	b := start(t, func(o *server.Options) { o.Databases[0].Artifacts = kept })
	for header, whole := range map[string]bool{"": false, wire.HeaderUnverified: true} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/v1/artifacts/"+string(info.Digest), nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set(header, "1")
		}
		var got []byte
		answer, err := http.DefaultClient.Do(r)
		if err == nil { // else it broke off at once
			got, err = io.ReadAll(answer.Body)
			answer.Body.Close()
		}
		if (err == nil && len(got) == size) != whole {
			t.Errorf("with the header %q came %d of %d bytes, %v", header, len(got), size, err)
		}
	}
}

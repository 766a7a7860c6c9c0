package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// Told is what an export has.
type Told struct {
	Path       string           `json:"path"`
	Components []component.Name `json:"components"` // in the order in which they are applied
	Files      int              `json:"files"`
	Bytes      int64            `json:"bytes"`
	// Digest is that of the manifest, which has those of all files: who knows
	// it from elsewhere can tell this export from any other.
	Digest artifact.Digest `json:"digest"`
}

// Export writes a component, with those inside it, those whose outputs they
// read, and their artifacts: as a ZIP file where the path ends with ".zip",
// else as a folder. It appears whole under its name, or not at all. errs.Exists:
// there is something under that name, other than an empty folder.
//
// The rows of a pinned data set are its artifact and go along; other rows do
// not. Versions and UUIDs stay behind, and so does what looks like a secret.
func Export(ctx context.Context, from component.API, artifacts artifact.API, w component.Which, path string) (Told, error) {
	to, err := create(path)
	if err != nil {
		return Told{}, err
	}
	told, err := export(ctx, from, artifacts, w, to)
	if err == nil {
		err = to.publish()
	}
	if err != nil {
		to.abandon()
		return Told{}, err
	}
	told.Path = path
	return told, nil
}

func export(ctx context.Context, from component.API, artifacts artifact.API, w component.Which, to target) (Told, error) {
	c := collector{from: from, seen: map[component.Name]component.Flat{}}
	root, err := from.Load(ctx, w)
	if err == nil {
		err = c.add(ctx, root)
	}
	if err != nil {
		return Told{}, err
	}
	text, err := c.text()
	if err != nil {
		return Told{}, err
	}
	p := packing{from: artifacts, component: text}
	if err := p.plan(ctx, c.list); err != nil {
		return Told{}, err
	}
	manifest, err := p.manifest.encode()
	if err != nil {
		return Told{}, err
	}
	told := Told{Digest: sum(manifest), Files: 1, Bytes: int64(len(manifest))}
	for _, f := range c.list {
		told.Components = append(told.Components, f.Name)
	}
	if err := write(to, ManifestName, bytes.NewReader(manifest)); err != nil {
		return Told{}, err
	}
	for _, f := range p.manifest.Files {
		if err := p.pack(ctx, to, f); err != nil {
			return Told{}, err
		}
		told.Files, told.Bytes = told.Files+1, told.Bytes+f.Size
	}
	return told, nil
}

// collector finds everything below a component.
type collector struct {
	from component.API
	seen map[component.Name]component.Flat
	list []component.Flat
}

func (c *collector) add(ctx context.Context, root component.Component) error {
	flats, err := component.Flatten(root)
	if err != nil {
		return err
	}
	for _, f := range flats {
		if was, ok := c.seen[f.Name]; ok {
			if err := was.Meet(f); err != nil {
				return err
			}
			continue
		}
		c.seen[f.Name] = f
		if err := c.addSources(ctx, f); err != nil {
			return err
		}
		c.list = append(c.list, f)
	}
	return nil
}

// addSources finds the listeners that a query reads, in the versions with
// which the component was applied.
func (c *collector) addSources(ctx context.Context, f component.Flat) error {
	if len(f.Sources) == 0 {
		return nil
	}
	children, err := c.from.Children(ctx, component.Which{UUID: f.UUID, Hidden: true})
	if err != nil {
		return err
	}
	for _, child := range children {
		if child.Type != "listener" || !slices.Contains(f.Sources, child.Identifier) {
			continue
		}
		source, err := c.from.Load(ctx, component.Which{UUID: child.UUID, Hidden: true})
		if err == nil {
			err = c.add(ctx, source)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// text is component.json.
func (c *collector) text() ([]byte, error) {
	docs := make([]json.RawMessage, len(c.list))
	for i, f := range c.list {
		docs[i] = f.Declaration
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(docs); err != nil {
		return nil, errs.Wrap(errs.Internal, err, "%s cannot be written", ComponentName)
	}
	if b.Len() > maxText {
		return nil, errs.New(errs.TooLarge, "the declarations take more than %d MiB, which an export may have; keep data in artifacts", maxText>>20)
	}
	if _, err := component.DecodeAll(b.Bytes()); errs.KindOf(err) == errs.TooLarge {
		return nil, err // nobody could read it
	}
	return b.Bytes(), nil
}

// packing writes the files of an export.
type packing struct {
	from      artifact.API
	component []byte
	manifest  Manifest
}

// plan makes the manifest, for which nothing has to be read.
func (p *packing) plan(ctx context.Context, list []component.Flat) error {
	p.manifest = Manifest{Version: 1, Name: list[len(list)-1].Name, Artifacts: []artifact.Info{}}
	p.manifest.Files = []artifact.File{{Path: ComponentName, Size: int64(len(p.component)), Digest: sum(p.component)}}
	held := map[artifact.Digest]bool{}
	for _, f := range list {
		for _, d := range f.Blobs {
			held[artifact.Digest(d)] = true
		}
	}
	for _, d := range slices.Sorted(maps.Keys(held)) {
		if err := p.planArtifact(ctx, d); err != nil {
			return err
		}
	}
	slices.SortFunc(p.manifest.Files, func(a, b artifact.File) int { return strings.Compare(a.Path, b.Path) })
	return p.manifest.check()
}

func (p *packing) planArtifact(ctx context.Context, d artifact.Digest) error {
	info, err := p.from.Stat(ctx, d)
	if err != nil {
		return err
	}
	p.manifest.Artifacts = append(p.manifest.Artifacts, info)
	if info.MediaType != artifact.FolderType {
		p.manifest.Files = append(p.manifest.Files, artifact.File{Path: blobs + string(d), Size: info.Size, Digest: d})
		return nil
	}
	files, err := p.from.Folder(ctx, d)
	for _, f := range files {
		f.Path = folders + string(d) + "/" + f.Path
		p.manifest.Files = append(p.manifest.Files, f)
	}
	return err
}

// pack writes one file. An artifact is verified as it is read.
func (p *packing) pack(ctx context.Context, to target, f artifact.File) error {
	if f.Path == ComponentName {
		return write(to, f.Path, bytes.NewReader(p.component))
	}
	r, err := p.from.Open(ctx, f.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	return write(to, f.Path, during(ctx, r))
}

// reading reads as long as a context lasts.
type reading func(p []byte) (int, error)

func (r reading) Read(p []byte) (int, error) { return r(p) }

func during(ctx context.Context, r io.Reader) io.Reader {
	return reading(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

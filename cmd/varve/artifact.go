package main

import (
	"context"
	"io"
	"mime"
	"os"
	"path/filepath"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

type artifactCommand struct {
	catalogue

	Put  artifactPut  `cmd:"" help:"Keep a file or a folder, and tell how components name it."`
	Get  artifactGet  `cmd:"" help:"Write an artifact to standard output, or to a path."`
	List artifactList `cmd:"" aliases:"ls" help:"List artifacts."`
}

type artifactPut struct {
	Path string `arg:"" help:"A file, a folder, or - for standard input."`
	Type string `help:"Its media type (default: by its name)." placeholder:"TYPE"`
}

// Run keeps bytes. Those that no component names within an hour are swept.
func (a *artifactPut) Run(ctx context.Context, p *program, c *cli) error {
	return c.Artifact.with(ctx, p, p.openDatabase, func(at registered) error {
		info, err := a.put(ctx, p, at.Bytes)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, info)
		}
		p.print("%s", info.Digest.Ref())
		p.say("%s, %s", size(info.Size), line(info.MediaType))
		return nil
	})
}

func (a *artifactPut) put(ctx context.Context, p *program, to artifact.API) (artifact.Info, error) {
	if a.Path == "-" {
		return to.Put(ctx, p.stdin, a.mediaType())
	}
	f, err := os.Open(a.Path)
	if err != nil {
		return artifact.Info{}, unreadable(a.Path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return artifact.Info{}, unreadable(a.Path, err)
	}
	if info.IsDir() {
		return to.PutFolder(ctx, os.DirFS(a.Path))
	}
	return to.Put(ctx, f, a.mediaType())
}

func (a *artifactPut) mediaType() string {
	if a.Type != "" {
		return a.Type
	}
	if t := mime.TypeByExtension(filepath.Ext(a.Path)); t != "" {
		return t
	}
	return "application/octet-stream"
}

type artifactGet struct {
	Digest string `arg:"" help:"Its SHA-256, with or without &:blob: before it."`
	Path   string `arg:"" optional:"" help:"Where to write it (default: standard output); a folder needs one."`
}

// Run writes bytes, which are verified: the command fails where they are not
// those that were kept.
func (a *artifactGet) Run(ctx context.Context, p *program, c *cli) error {
	d, err := artifact.ParseDigest(a.Digest)
	if err != nil {
		return usage{err}
	}
	return c.Artifact.with(ctx, p, p.openExisting, func(at registered) error {
		if a.Path != "" {
			return at.Bytes.Unpack(ctx, d, a.Path)
		}
		r, err := at.Bytes.Open(ctx, d)
		if err != nil {
			return err
		}
		defer r.Close()
		if r.MediaType == artifact.FolderType {
			return usage{errs.Field(errs.Invalid, "path", "%s is a folder; name a path that it is to be written to", d)}
		}
		_, err = io.Copy(p.stdout, r)
		return err
	})
}

type artifactList struct{}

// Run lists what is kept, in the order of digests.
func (a *artifactList) Run(ctx context.Context, p *program, c *cli) error {
	return c.Artifact.with(ctx, p, p.openExisting, func(at registered) error {
		list := []artifact.Info{}
		for {
			var after artifact.Digest
			if len(list) > 0 {
				after = list[len(list)-1].Digest
			}
			some, err := at.Bytes.List(ctx, after, pageOfArtifacts)
			if err != nil {
				return err
			}
			if list = append(list, some...); len(some) < pageOfArtifacts {
				break
			}
		}
		if p.json {
			return writeJSON(p.stdout, list)
		}
		rows := [][]string{{"SHA-256", "SIZE", "TYPE"}}
		for _, i := range list {
			rows = append(rows, []string{string(i.Digest), size(i.Size), i.MediaType})
		}
		return writeTable(p.stdout, rows, "no artifacts")
	})
}

const pageOfArtifacts = 500

// Package bundle carries a component, with everything that it is made of, to
// another database: in a folder, or in one file, an archive.
//
//	told, err := bundle.Export(ctx, from, component.Newest("application", "search"), "search.zip")
//
//	b, err := bundle.Read(ctx, "search.zip") // every byte was looked at
//	defer b.Close()
//	err = b.Store(ctx, artifacts)
//	result, err := components.Apply(ctx, b.Components()...)
//
// In it are
//
//	manifest.json          what is in it: every file with its size and SHA-256
//	component.json         a list of declarations, each behind those inside it
//	blobs/<sha256>         an artifact that is a file
//	files/<sha256>/<path>  the files of an artifact that is a folder
//
// An archive is these as a ZIP file without compression: what is in it is no
// larger than itself, so it cannot swell, and an artifact is read from where it
// lies. Nothing in it depends on when and where it was made: two exports of one
// thing are equal byte for byte.
package bundle

//go:build !no_gcs

package all

import (
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/gcs"
)

// Google's library brings gRPC and all that it needs; the tag no_gcs leaves it
// out.
var openGCS blob.Opener = gcs.Open

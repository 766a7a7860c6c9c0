//go:build no_gcs

package all

import "github.com/varvedb/varve/blob"

var openGCS blob.Opener

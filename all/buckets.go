package all

import (
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/azure"
	"github.com/varvedb/varve/blob/s3"
)

// Buckets returns what opens buckets by the scheme of their URLs, in a new map.
func Buckets() map[string]blob.Opener {
	buckets := map[string]blob.Opener{
		"abfss":  azure.Open,
		"azblob": azure.Open,
		"s3":     s3.Open,
	}
	if openGCS != nil {
		buckets["gs"] = openGCS
	}
	return buckets
}

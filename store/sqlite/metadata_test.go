package sqlite_test

import (
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	artifacttest.Run(t, func(t *testing.T) artifact.Index { return fresh(t).Artifacts() })
}

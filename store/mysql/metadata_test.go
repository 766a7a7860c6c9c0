package mysql_test

import (
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
	"github.com/varvedb/varve/internal/mytest"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	artifacttest.Run(t, func(t *testing.T) artifact.Index { return open(t, mytest.New(t)).Artifacts() })
}

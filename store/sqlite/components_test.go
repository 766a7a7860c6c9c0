package sqlite_test

import (
	"testing"

	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/store"
)

func TestComponents(t *testing.T) {
	componenttest.Run(t, func(t *testing.T) store.Store { return fresh(t) })
}

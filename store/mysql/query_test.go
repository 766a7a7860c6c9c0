package mysql_test

import (
	"testing"

	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

func openQuery(t *testing.T) store.Store { return open(t, mytest.New(t)) }

func TestQuery(t *testing.T) { querytest.Run(t, openQuery) }

func TestQueryHistories(t *testing.T) {
	querytest.Histories(t, 4, 200, func(*testing.T) store.Store { return memory.Open() }, openQuery)
}

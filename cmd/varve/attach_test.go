package main

import (
	"context"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
)

func attachCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: attach THREAD ID FILE")
	}
	c, err := client.New("unix:"+ts.Getenv("SOCKET"), client.Options{})
	ts.Check(err)
	defer c.Close()
	f, err := os.Open(ts.MkAbs(args[2]))
	ts.Check(err)
	defer f.Close()
	e := chat.Element{ID: args[1], ThreadID: args[0], ForID: "s1", Name: args[2], Type: "file", MIME: "text/plain"}
	_, err = c.Chat().PutElement(context.Background(), e, f)
	ts.Check(err)
}

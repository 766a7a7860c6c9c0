// Command varve keeps the conversations of AI applications: a server, and what
// people do with one.
//
//	varve serve --data DIR --listen ADDR     answer over HTTP
//	varve chat users|threads|show|search|export|delete
//	varve copy SRC DST                       all conversations, to another database
//	varve todo add|list|done|edit|…          a to-do list
//	varve lake put|get|ls|log|sync|…         files with versions
//	varve state tables|show|history          the tables below both
//	varve apply|plan FILE…                   components that files declare
//	varve show|load|remove|export …          the same, one by one
//	varve keys create|list|revoke            who may call
//	varve doctor [--apply|--remove]          a database others made
//	varve config                             what it was told, and by whom
//	varve version
//	varve completion bash|zsh|fish
//
// A command that needs the database goes through the server's socket when a
// server holds the data folder, and opens the database itself otherwise.
//
// It ends with 0 when it did what it was told, 1 when it could not, and 2 when
// it was told wrongly. docs/configuration.md has the rest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(realMain()) }

// realMain ends at the first SIGINT or SIGTERM in order, at the second at once.
func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	p := &program{environ: os.Environ(), stdin: &input{file: os.Stdin, ended: ctx.Done()}, stdout: os.Stdout, stderr: os.Stderr}
	return p.exit(p.run(ctx, os.Args[1:]))
}

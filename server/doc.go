// Package server answers the HTTP API of docs/http.md over any number of
// databases.
//
//	s, err := server.New(server.Options{
//		Databases: []server.Database{{Name: "default", Chat: db.Chat(), Files: db.Files(), Ping: db.Ping}},
//		Listen:    []string{"127.0.0.1:8484", "unix:/var/lib/varve/varve.sock"},
//	})
//	err = s.Serve(ctx) // until ctx ends, then requests in flight finish
//
// A handler decodes, calls the room, encodes. What it decodes and encodes are
// Go types, and the OpenAPI document is made from the same types. JSON goes
// through huma; bytes of elements stream through plain handlers, which are
// described to huma.
//
// Who may call is decided before a handler runs, from the connection's local
// address (never from a header): a Unix socket is guarded by its file mode,
// a loopback address is open as long as there are no API keys, and anything
// else needs a key.
package server

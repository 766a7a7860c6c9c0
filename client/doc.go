// Package client calls a Varve server from Go. Its conversations satisfy
// chat.API, so that code does not care on which side of the wire it runs:
//
//	c, err := client.New("http://127.0.0.1:8484", client.Options{})
//	thread, err := c.Chat().Thread(ctx, "t1")
//	if errors.Is(err, errs.NotFound) { … }
//
// The address may also be https://… or unix:/path/to/varve.sock. The acting
// user and reading without redaction travel with the context, as everywhere:
// chat.As and chat.Raw.
//
// Calls can be repeated, so one whose connection was refused is tried again a
// few times; nothing else is. A call lasts as long as its context lets it.
package client

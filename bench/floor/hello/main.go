// Hello is the floor under a server in Go: it reads a request whole, answers a
// few bytes, and keeps nothing.
//
//	hello ADDRESS
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return // the client is gone
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, `{"id":"kept nothing"}`)
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[1], http.HandlerFunc(answer)))
}

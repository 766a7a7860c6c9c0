//go:build !unix

package main

import "os"

// There is no SIGHUP here: another level takes another start.
var reloadSignals []os.Signal

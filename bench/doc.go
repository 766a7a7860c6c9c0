// Package bench measures how fast Varve is, and beside what.
//
//	make bench                                          # everything; the table goes to bench/results
//	go test ./bench -run '^$' -bench List -benchtime 1x # one part
//
// A number alone says little on a machine nobody else has. So every benchmark
// runs a peer (what people use today) or a floor (the least work that could do
// it: the bare statement, a C program, an fsync) in the same run, turn by turn
// where both live in one process, and prints the ratio. Goals stand beside
// them; one that is missed is printed as missed. Nothing here fails for being
// slow: these are no tests.
//
// With -short the sizes are small and the figures mean nothing; it shows that
// everything still runs.
package bench

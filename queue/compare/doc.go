// Package compare measures the queue beside others that keep jobs in SQLite:
// goqite's own runner, and River on its SQLite driver. It is a module of its own, so
// that the product does not import them.
//
//	cd queue/compare && go test -bench . -benchtime 10000x
package compare

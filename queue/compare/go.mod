module seaworthy/queue/compare

go 1.26

require (
	maragu.dev/goqite v0.4.0
	seaworthy v0.0.0
)

replace seaworthy => ../..

package email

import "strings"

// diffLine is a line of two texts laid over each other: kept, gone or new.
type diffLine struct{ Kind, Text string }

// maxDiff is up to how many lines differences are looked for one by one: the work
// grows with their square.
const maxDiff = 1500

// diff lays two texts over each other, by their longest common lines.
func diff(before, now string) (all []diffLine) {
	a, b := strings.Split(strings.TrimRight(before, "\n"), "\n"), strings.Split(strings.TrimRight(now, "\n"), "\n")
	if before == "" {
		a = nil
	}
	put := func(kind string, lines []string) {
		for _, line := range lines {
			all = append(all, diffLine{kind, line})
		}
	}
	if len(a) > maxDiff || len(b) > maxDiff {
		put("gone", a)
		put("new", b)
		return all
	}
	// common[i][j] is how many lines a[i:] and b[j:] share.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			put("kept", a[i:i+1])
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			put("gone", a[i:i+1])
			i++
		default:
			put("new", b[j:j+1])
			j++
		}
	}
	put("gone", a[i:])
	put("new", b[j:])
	return all
}

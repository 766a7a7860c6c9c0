package main

import "slices"

// maxTable bounds the work of compareLines; longer texts are told as a whole.
const maxTable = 4 << 20

// compareLines tells how one list of lines becomes another: lines that go
// begin with -, lines that come with +, and up to two that stay are shown
// around them, parted by @@ from the next place.
func compareLines(a, b []string) []string {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var all []string
	keep := func(lines []string) {
		for _, l := range lines {
			all = append(all, " "+l)
		}
	}
	keep(a[:start])
	all = append(all, middle(a[start:len(a)-end], b[start:len(b)-end])...)
	keep(a[len(a)-end:])
	return nearChanges(all)
}

// middle finds the longest common subsequence by a table of lengths, from the
// end, and walks it from the start.
func middle(a, b []string) (out []string) {
	var common [][]int32
	if len(a)*len(b) <= maxTable {
		common = lengths(a, b)
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case common != nil && i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, " "+a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common == nil || common[i+1][j] >= common[i][j+1]):
			out = append(out, "-"+a[i])
			i++
		default:
			out = append(out, "+"+b[j])
			j++
		}
	}
	return out
}

func lengths(a, b []string) [][]int32 {
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
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
	return common
}

// nearChanges leaves out what stays and is more than two lines away from what
// does not.
func nearChanges(all []string) (out []string) {
	const around = 2
	changed := func(l string) bool { return l[0] != ' ' }
	gap := false
	for i, l := range all {
		if !slices.ContainsFunc(all[max(0, i-around):min(len(all), i+around+1)], changed) {
			gap = true
			continue
		}
		if gap {
			out, gap = append(out, "@@"), false
		}
		out = append(out, l)
	}
	return out
}

package lake

import "testing"

// Each line is what a file was when both sides were alike, what it is in the
// folder and in the lake ("-": not there, "x": not there any more), and what is
// done: as it is, with Delete, and with either side preferred.
func TestOnlyTheSideThatChangedIsTakenOver(t *testing.T) {
	for _, c := range []struct {
		base, folder, lake              string
		plain, delete, byFolder, byLake Action
	}{
		{"-", "1", "1", "", "", "", ""},
		{"1", "1", "1", "", "", "", ""},
		{"1", "2", "2", "", "", "", ""},
		{"1", "-", "-", "", "", "", ""},
		{"1", "-", "x", "", "", "", ""},

		{"-", "1", "-", Push, Push, Push, Push},
		{"-", "1", "x", Push, Push, Push, Push}, // a new file of an old name
		{"-", "-", "1", Pull, Pull, Pull, Pull},
		{"1", "2", "1", Push, Push, Push, Push},
		{"1", "1", "2", Pull, Pull, Pull, Pull},

		{"1", "-", "1", Keep, Remove, Keep, Keep},
		{"1", "1", "x", Keep, Discard, Keep, Keep},
		{"1", "1", "-", Push, Push, Push, Push}, // another lake, which never had it
		{"1", "2", "-", Push, Push, Push, Push},

		{"-", "1", "2", Conflict, Conflict, Push, Pull},
		{"1", "2", "3", Conflict, Conflict, Push, Pull},
		{"1", "2", "x", Conflict, Conflict, Push, Keep},
		{"1", "-", "2", Conflict, Conflict, Keep, Pull},
	} {
		s := seen{base: there(c.base), folder: there(c.folder), lake: there(c.lake), buried: c.lake == "x"}
		for _, o := range []struct {
			SyncOptions
			want Action
		}{
			{SyncOptions{}, c.plain}, {SyncOptions{Delete: true}, c.delete},
			{SyncOptions{Prefer: FolderSide}, c.byFolder}, {SyncOptions{Prefer: LakeSide}, c.byLake},
		} {
			if got := s.decide(o.SyncOptions); got != o.want {
				t.Errorf("base %s, folder %s, lake %s, %+v: got %q, want %q", c.base, c.folder, c.lake, o.SyncOptions, got, o.want)
			}
		}
	}
}

func there(hash string) string {
	if hash == "-" || hash == "x" {
		return ""
	}
	return hash
}

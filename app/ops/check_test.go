package ops

import (
	"testing"

	"seaworthy/app/launch"
	"seaworthy/store/replica"
)

func TestJudgeReplica(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status       replica.Status
		fenced       bool
		fresh, lease launch.State
	}{
		"in step":     {replica.Status{Epoch: "e1", LagSeconds: 1}, false, launch.Done, launch.Done},
		"catching up": {replica.Status{Epoch: "e1", LagSeconds: 30}, false, launch.Warn, launch.Done},
		"behind":      {replica.Status{Epoch: "e1", LagSeconds: 300, Stale: true}, false, launch.Todo, launch.Done},
		"fenced":      {replica.Status{Epoch: "e1"}, true, launch.Done, launch.Todo},
		"no session":  {replica.Status{Stale: true}, false, launch.Todo, launch.Todo},
	} {
		got := judgeReplica(c.status, c.fenced)
		if len(got) != 2 || got[0].State != c.fresh || got[1].State != c.lease {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestRoomEnough(t *testing.T) {
	t.Parallel()
	const gb = 1 << 30
	for _, c := range []struct {
		free, size int64
		want       bool
	}{{10 * gb, 100 * gb, true}, {gb / 2, 4 * gb, false}, {4 * gb, 100 * gb, false}, {2 * gb, 20 * gb, true}} {
		if got := roomEnough(c.free, c.size); got != c.want {
			t.Errorf("%d of %d: %v", c.free, c.size, got)
		}
	}
}

// A group on the page counts what applies, and a system without a title is shown all the same.
func TestGrouped(t *testing.T) {
	t.Parallel()
	all := grouped([]Point{
		{Check: Check{Key: "jobs.a", System: "jobs", State: launch.Done}},
		{Check: Check{Key: "jobs.b", System: "jobs", State: launch.Todo, Blocks: true}},
		{Check: Check{Key: "jobs.c", System: "jobs", State: launch.Todo}, Dismissed: &Dismissal{}},
		{Check: Check{Key: "jobs.d", System: "jobs", State: launch.NotApplicable}},
		{Check: Check{Key: "other.a", System: "other", State: launch.Unknown}},
	})
	if len(all) != 2 || all[0].ID != "jobs" || all[0].Have != 1 || all[0].Of != 2 || len(all[0].Open) != 1 || len(all[0].Aside) != 2 || all[1].Title != "other" {
		t.Errorf("%+v", all)
	}
	if v := all[0].Open[0]; v.Kind != "danger" || v.Word != "Needed" || v.Anchor != "check-jobs-b" {
		t.Errorf("%+v", v)
	}
}

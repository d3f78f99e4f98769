package launch

import "testing"

func TestRate(t *testing.T) {
	t.Parallel()
	well, needed, wish, look := Check{State: Done}, Check{State: Todo, Blocks: true}, Check{State: Todo}, Check{State: Warn, Blocks: true}
	for name, c := range map[string]struct {
		all  []Check
		want Score
		exit int
	}{
		"nothing applies":  {[]Check{{State: NotApplicable, Blocks: true}}, Score{Percent: 100}, ExitWell},
		"all is done":      {[]Check{well, well}, Score{Percent: 100, Done: 2, Of: 2}, ExitWell},
		"one blocks":       {[]Check{well, needed}, Score{Percent: 25, Done: 1, Of: 2, Open: 1, Blocks: 1}, ExitUnfit},
		"one is a wish":    {[]Check{well, wish}, Score{Percent: 50, Done: 1, Of: 2, Open: 1}, ExitDoubt},
		"one warns":        {[]Check{well, look}, Score{Percent: 25, Done: 1, Of: 2, Doubt: 1}, ExitDoubt},
		"one is not known": {[]Check{well, {State: Unknown}}, Score{Percent: 50, Done: 1, Of: 2, Doubt: 1}, ExitDoubt},
	} {
		if got := Rate(c.all); got != c.want || got.Exit() != c.exit {
			t.Errorf("%s: %+v, exit %d", name, got, got.Exit())
		}
	}
}

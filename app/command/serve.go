package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"seaworthy/app"
	"seaworthy/app/config"
	"seaworthy/app/handover"
)

type serveCmd struct {
	config.Config `embed:""`
}

func (c *serveCmd) Run(ctx context.Context, v release) error {
	s, err := newService(ctx, c.Data, v)
	if err != nil {
		return err
	}
	defer s.end()
	paceHeap()
	st, err := newStart(ctx, c.Data, s)
	if err != nil {
		return err
	}
	err = c.serve(ctx, v, st)
	if errors.Is(err, app.ErrReload) {
		return s.handOver(err)
	}
	if err != nil {
		return st.failed(ctx, err)
	}
	return nil
}

// serve opens the app and runs it until it is told to stop or to make room.
func (c *serveCmd) serve(ctx context.Context, v release, st *start) error {
	s := st.s
	if err := c.Validate(); err != nil {
		return err
	}
	a, err := app.New(ctx, c.Config, app.Options{Version: v.String(), Hash: hashCommand(), Own: v.Own, Extend: v.Extend, Commands: v.commands, Sockets: s.sockets, Reload: s.reload, Begin: st.begin})
	if err != nil {
		return err
	}
	return a.Run(ctx, func(serving app.Serving) {
		if err := st.served(); err != nil {
			fmt.Fprintln(os.Stderr, "seaworthy: that this binary serves could not be noted:", err)
		}
		s.serves(a.Alive, "serves "+serving.URL)
		fmt.Printf("Seaworthy %s serves %s\n", v, serving.URL)
		if serving.Setup != "" {
			fmt.Printf("Make the first operator (this link works once, for 24 hours):\n  %s\n", serving.Setup)
		}
		if !c.Production() && !c.HasMail() {
			fmt.Printf("Mail goes to the development inbox:\n  %s/-/dev/inbox\n", serving.URL)
		}
	})
}

// handOver lets the binary that lies where this one was started from go on in this
// process. If that cannot be executed at all, this one goes on itself.
func (s *service) handOver(why error) error {
	err := s.exec(s.binary)
	fmt.Fprintf(os.Stderr, "seaworthy: the new binary cannot be executed (%v); the one that ran goes on\n", err)
	return errors.Join(why, err, s.exec(handover.Self))
}

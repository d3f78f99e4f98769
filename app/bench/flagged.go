package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/auth"
	"seaworthy/app/flags"
	"seaworthy/app/flags/rule"
)

// flagged are flags as Go programs evaluate them, and over OFREP as others do.
func flagged(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	results, err = evaluated(o)
	if err != nil {
		return nil, err
	}
	s, err := serve(ctx, folder)
	if err != nil {
		return results, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for i := range 50 {
		if _, err := s.app.Flags.Save(ctx, fmt.Sprintf("flag-%d", i), flags.Save{Version: flags.NoVersion, Definition: ofrepFlag}); err != nil {
			return results, err
		}
	}
	_, secret, err := s.app.Auth.MakeKey(ctx, auth.NewKey{Name: "a measurement", Permissions: []string{"flags:evaluate"}})
	if err != nil {
		return results, err
	}
	for _, c := range []struct {
		name, path string
		bar        float64
	}{{"flags: one over OFREP", "/flag-7", 15_000}, {"flags: all fifty over OFREP", "", 6000}} {
		l, err := load(ctx, o.Clients, o.For, func(context.Context, int) error {
			r, err := http.NewRequest("POST", s.url+"/-/ofrep/v1/evaluate/flags"+c.path, strings.NewReader(`{"context":{"targetingKey":"user-1","tier":"silver"}}`))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", "application/json")
			bearer(secret)(r)
			_, err = s.send(r, http.StatusOK)
			return err
		})
		if err != nil {
			return results, err
		}
		results = append(results, atLeast(c.name, l, c.bar))
	}
	return results, nil
}

const ofrepFlag = `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off",
	"targeting":{"if":[{"==":[{"var":"tier"},"gold"]},"on",{"fractional":[["on",25],["off",75]]}]},"x-seaworthy":{"clientVisible":true,"offVariant":"off"}}`

const evaluatedFlags = `{"flags":{
	"static":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"},
	"typical":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[
		{"in":[{"var":"targetingKey"},["usr_0","usr_1","usr_2","usr_3","usr_4","usr_5","usr_6","usr_7","usr_8","usr_9"]]},"on",
		{"and":[{"==":[{"var":"plan"},"pro"]},{"in":["admin",{"var":"roles"}]},{"sem_ver":[{"var":"app.version"},">=","2.1.0"]}]},
		{"fractional":[{"cat":[{"var":"$flagd.flagKey"},{"var":"org"}]},["on",25],["off",75]]}]}}}}`

// evaluated is the evaluator alone.
func evaluated(o *Options) ([]Result, error) {
	d, err := rule.Parse([]byte(evaluatedFlags))
	if err != nil {
		return nil, err
	}
	set, faults := d.Compile(rule.Options{})
	if len(faults) > 0 {
		return nil, fmt.Errorf("compile flags: %v", faults[0])
	}
	who := rule.Context{"targetingKey": "usr_77", "plan": "pro", "roles": []any{"member", "admin"}, "org": "org_1", "app": map[string]any{"version": "2.3.4"}}
	var results []Result
	for _, c := range []struct {
		key string
		bar time.Duration
	}{{"static", 50 * time.Nanosecond}, {"typical", time.Microsecond}} {
		n, start := 0, time.Now()
		for time.Since(start) < o.For/4 {
			for range 10_000 {
				if r := set.Evaluate(c.key, who); r.ErrorCode != "" {
					return results, fmt.Errorf("evaluate a flag: %s", r.ErrorCode)
				}
			}
			n += 10_000
		}
		each := time.Since(start) / time.Duration(n)
		results = append(results, Result{Name: "flags: a " + c.key + " one in Go", Value: fmt.Sprintf("%d ns", each.Nanoseconds()), Bar: "<= " + c.bar.String(), Missed: each > c.bar})
	}
	return results, nil
}

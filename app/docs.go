package app

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"seaworthy/app/config"
	"seaworthy/app/docs"
	"seaworthy/app/outbox"
	"seaworthy/app/web"
	"seaworthy/assets"
	"seaworthy/store/replica"
)

// docs makes the documentation from what the program runs by.
func (a *App) docs(own Extension) *docs.System {
	return docs.New(docs.Deps{Pages: a.Pages, Files: assets.FS, API: a.describe, Options: config.Options, Commands: a.o.Commands, Actions: a.Audit.Actions, Metrics: a.metrics.catalogue,
		Permissions: func() []web.PermissionKind {
			all := permissions()
			for _, p := range own.Permissions {
				all = append(all, p.PermissionKind)
			}
			return all
		}})
}

// describe is the OpenAPI document.
func (a *App) describe() map[string]any {
	return web.OpenAPI(a.Pages.Site().Brand, a.Config.URL, a.o.Version, a.Web.Routes())
}

// described are the metrics that have labels, or are not always there.
func described() []*prometheus.Desc {
	return []*prometheus.Desc{queueDepth, queueAge, queuePaused, queueOldest, queueStates, queueAttempts, queueWait, queueRun,
		telemetryDropped, seriesTotal, seriesErrors, seriesSeconds, sqlTotal, sqlErrors, sqlSeconds, telemetryBytes, billingTotal}
}

// descForm is how prometheus.Desc writes itself, the only way to its parts.
var descForm = regexp.MustCompile(`fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), constLabels: \{[^}]*\}, variableLabels: \{([^}]*)\}`)

// catalogue are the metrics of ours, by name.
func (m *metrics) catalogue() []docs.Metric {
	var all []docs.Metric
	for i, list := range [][]reading{m.readings(), outboxReadings(outbox.FileStatus{}), replicaReadings(replica.Status{})} {
		for _, r := range list {
			name := "seaworthy_" + r.name
			if slices.ContainsFunc(all, func(m docs.Metric) bool { return m.Name == name }) {
				continue // of the replica, which may be off
			}
			one := docs.Metric{Name: name, Help: r.help}
			if i == 1 {
				one.Labels = []string{"file"}
			}
			all = append(all, one)
		}
	}
	descs := described()
	requests := make(chan *prometheus.Desc, 1)
	m.requests.Describe(requests)
	for _, d := range append(descs, <-requests) {
		parts := descForm.FindStringSubmatch(d.String())
		if parts == nil {
			continue
		}
		name, _ := strconv.Unquote(parts[1])
		help, _ := strconv.Unquote(parts[2])
		all = append(all, docs.Metric{Name: name, Help: help, Labels: strings.FieldsFunc(parts[3], func(r rune) bool { return r == ',' || r == ' ' })})
	}
	slices.SortFunc(all, func(a, b docs.Metric) int { return strings.Compare(a.Name, b.Name) })
	return all
}

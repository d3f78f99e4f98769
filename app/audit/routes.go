package audit

import "seaworthy/app/web"

// Routes are the signed log, the log's part of the API and its pages.
func (s *System) Routes() []web.Route {
	var all []web.Route
	for _, more := range [][]web.Route{s.logRoutes(), s.apiRoutes(), s.orgRoutes(), s.adminRoutes()} {
		all = append(all, more...)
	}
	return all
}

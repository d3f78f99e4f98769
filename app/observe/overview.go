package observe

import (
	"net/http"

	"seaworthy/app/web"
)

func (s *System) observePage(w http.ResponseWriter, r *http.Request) error {
	return s.Pages.Render(w, r, "observe/overview", web.View{Title: "Observability", Data: nil})
}

package flags

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"seaworthy/app/flags/rule"
	"seaworthy/app/web"
)

// codeInvalidContext is OFREP's code for a context that cannot be used.
const codeInvalidContext = "INVALID_CONTEXT"

var (
	errNoFlag  = &web.Error{Status: http.StatusNotFound, Code: string(rule.FlagNotFound), Public: "there is no such flag"}
	errNotJSON = &web.Error{Status: http.StatusBadRequest, Code: string(rule.ParseError), Public: "the body is not the JSON that was expected"}
)

func invalidContext(why string) error {
	return &web.Error{Status: http.StatusBadRequest, Code: codeInvalidContext, Public: why}
}

// failure is OFREP's evaluationFailure, or without a key its bulkEvaluationFailure.
type failure struct {
	Key     string `json:"key,omitzero"`
	Code    string `json:"errorCode"`
	Details string `json:"errorDetails"`
}

// Dialect is how errors are told to OFREP's clients, whatever they come from: also
// those of a limit, of a body that is too large or of an address that there is not.
func (s *System) Dialect() web.Dialect {
	return web.Dialect{Prefix: "/-/ofrep/", Write: writeFailure}
}

func writeFailure(w http.ResponseWriter, r *http.Request, e *web.Error) {
	w.Header().Set("Cache-Control", "no-store")
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		w.WriteHeader(e.Status) // the protocol gives these no body
		return
	}
	f := failure{Code: string(rule.General), Details: e.Public}
	switch {
	case e.Code == string(rule.FlagNotFound), e.Code == string(rule.ParseError), e.Code == codeInvalidContext:
		f.Code = e.Code
	case e.Status == http.StatusRequestEntityTooLarge:
		f.Code = codeInvalidContext
	case e.Status == http.StatusBadRequest, e.Status == http.StatusUnsupportedMediaType:
		f.Code = string(rule.ParseError)
	}
	if key, one := strings.CutPrefix(r.URL.Path, ofrepBulk+"/"); one {
		f.Key = web.CleanText(key, 128)
	}
	raw, err := json.Marshal(f)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	reply(w, e.Status, raw)
}

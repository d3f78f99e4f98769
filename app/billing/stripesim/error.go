package stripesim

// Error is an answer that says no (docs.stripe.com/api/errors).
type Error struct {
	Status      int
	Type        string
	Code        string
	DeclineCode string
	Param       string
	Message     string
	intent      object // the payment that failed; nil: none
	keep        bool   // what was done before stays done
	retry       string // of the Stripe-Should-Retry header
}

func (e *Error) Error() string { return e.Message }

// invalid is a no to what was asked, whatever state things are in.
func invalid(param, message string) *Error {
	return &Error{Status: 400, Type: "invalid_request_error", Param: param, Message: message}
}

// required is a parameter that is missing.
func required(param string) *Error {
	return &Error{Status: 400, Type: "invalid_request_error", Code: "parameter_missing", Param: param, Message: "Missing required param: " + param + "."}
}

// missing is the answer about an object that is not there: 404 where the address names
// it, 400 where a parameter does.
func missing(kind, id, param string) *Error {
	status := 400
	if param == "id" {
		status = 404
	}
	return &Error{Status: status, Type: "invalid_request_error", Code: "resource_missing", Param: param, Message: "No such " + kind + ": '" + id + "'"}
}

// body is the answer's. What is empty is left out, as Stripe does.
func (e *Error) body() object {
	inner := object{"type": e.Type, "message": e.Message}
	for name, v := range map[string]string{"code": e.Code, "param": e.Param, "decline_code": e.DeclineCode} {
		if v != "" {
			inner[name] = v
		}
	}
	if e.intent != nil {
		inner["payment_intent"] = visible(e.intent)
	}
	return object{"error": inner}
}

package auth

import (
	"net/http"

	"seaworthy/app/web"
)

// factorRoutes are the second step of a sign-in, and setting one up.
func (s *System) factorRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/login/mfa", Access: web.Public, Handler: s.mfaPage, Limit: web.PerMinute(60)},
		{Method: "POST", Pattern: "/-/login/mfa", Access: web.Public, Handler: s.mfaForm, Limit: web.PerMinute(20), Audit: signedInActions},
		{Method: "POST", Pattern: "/-/login/mfa/text", Access: web.Public, Handler: s.mfaTextForm, Limit: web.PerMinute(5), Audit: actions(actCodeSent)},
		{Method: "POST", Pattern: "/-/api/v1/login/mfa", Access: web.Public, Handler: s.mfaAPI, Limit: web.PerMinute(20), Audit: signedInActions,
			Doc: web.Doc{Summary: "Show the second step of a sign-in and get tokens", In: mfaAPIInput{}, Out: tokenResponse{}}},
		{Method: "POST", Pattern: "/-/api/v1/login/mfa/text", Access: web.Public, Handler: s.mfaTextAPI, Limit: web.PerMinute(5), Audit: actions(actCodeSent),
			Doc: web.Doc{Summary: "Have the code of the second step sent as a text", In: mfaTextAPIInput{}, Status: http.StatusNoContent}},

		{Method: "GET", Pattern: securityPath + "/phone", Access: web.Person, Fresh: true, Handler: s.phonePage},
		{Method: "POST", Pattern: securityPath + "/factors", Access: web.Person, Fresh: true, Handler: s.beginForm, Limit: web.PerMinute(10), Audit: actions(actFactorBegun)},
		{Method: "GET", Pattern: securityPath + "/factors/{id}", Access: web.Person, Fresh: true, Handler: s.enrolPage},
		{Method: "POST", Pattern: securityPath + "/factors/{id}/confirm", Access: web.Person, Fresh: true, Handler: s.confirmFactorForm, Limit: web.PerMinute(20), Audit: actions(actFactorAdded)},
		{Method: "POST", Pattern: securityPath + "/factors/{id}/text", Access: web.Person, Fresh: true, Handler: s.textFactorForm, Limit: web.PerMinute(5), Audit: actions(actCodeSent)},
		{Method: "POST", Pattern: securityPath + "/factors/{id}/remove", Access: web.Person, Fresh: true, Handler: s.removeFactorForm, Audit: actions(actFactorRemoved)},
		{Method: "POST", Pattern: securityPath + "/recovery", Access: web.Person, Fresh: true, Handler: s.recoveryForm, Limit: web.PerMinute(10), Audit: actions(actRecoveryMade)},
		{Method: "POST", Pattern: "/-/account/devices/forget", Access: web.Person, Handler: s.forgetForm, Audit: actions(actDeviceForgotten)},

		{Method: "GET", Pattern: "/-/api/v1/factors", Access: web.Person, Handler: s.factorsAPI, Doc: web.Doc{Summary: "List your second factors", Out: factorList{}}},
		{Method: "POST", Pattern: "/-/api/v1/factors", Access: web.Person, Fresh: true, Handler: s.beginAPI, Limit: web.PerMinute(10), Audit: actions(actFactorBegun),
			Doc: web.Doc{Summary: "Begin to set up a second factor", In: beginInput{}, Out: begunJSON{}, Status: http.StatusCreated}},
		{Method: "POST", Pattern: "/-/api/v1/factors/{id}/confirm", Access: web.Person, Fresh: true, Handler: s.confirmFactorAPI, Limit: web.PerMinute(20), Audit: actions(actFactorAdded),
			Doc: web.Doc{Summary: "Confirm a second factor by its code; the first one brings recovery codes", In: confirmFactorInput{}, Out: recoveryJSON{}}},
		{Method: "POST", Pattern: "/-/api/v1/factors/{id}/text", Access: web.Person, Fresh: true, Handler: s.textFactorAPI, Limit: web.PerMinute(5), Audit: actions(actCodeSent),
			Doc: web.Doc{Summary: "Send the code for a phone that is being set up again", Status: http.StatusNoContent}},
		{Method: "DELETE", Pattern: "/-/api/v1/factors/{id}", Access: web.Person, Fresh: true, Handler: s.removeFactorAPI, Audit: actions(actFactorRemoved),
			Doc: web.Doc{Summary: "Remove a second factor", Status: http.StatusNoContent}},
		{Method: "POST", Pattern: "/-/api/v1/recovery-codes", Access: web.Person, Fresh: true, Handler: s.recoveryAPI, Limit: web.PerMinute(10), Audit: actions(actRecoveryMade),
			Doc: web.Doc{Summary: "Make new recovery codes; the old ones are void", Out: recoveryJSON{}}},
		{Method: "GET", Pattern: "/-/api/v1/trusted-devices", Access: web.Person, Handler: s.trustedAPI, Doc: web.Doc{Summary: "List the devices on which no second step is asked for", Out: trustedList{}}},
		{Method: "DELETE", Pattern: "/-/api/v1/trusted-devices/{id}", Access: web.Person, Handler: s.forgetAPI, Audit: actions(actDeviceForgotten),
			Doc: web.Doc{Summary: "Ask for the second step on a device again", Status: http.StatusNoContent}},

		{Method: "POST", Pattern: "/-/confirm/code", Access: web.Person, Handler: s.confirmCodeForm, Limit: web.PerMinute(10), Audit: actions(actCodeSent)},
		{Method: "GET", Pattern: "/-/api/v1/confirm", Access: web.Person, Handler: s.confirmMethodsAPI, Doc: web.Doc{Summary: "How you can confirm who you are", Out: confirmMethods{}}},
		{Method: "POST", Pattern: "/-/api/v1/confirm/code", Access: web.Person, Handler: s.confirmCodeAPI, Limit: web.PerMinute(10), Audit: actions(actCodeSent),
			Doc: web.Doc{Summary: "Have a code sent to confirm with, by text or by mail", In: confirmCodeInput{}, Status: http.StatusNoContent}},
	}
}

package auth

import (
	"net/http"
	"slices"
	"time"

	"seaworthy/app/web"
)

// perPerson is a limit for what somebody who is signed in does by hand.
func perPerson(n int) web.Limit {
	return web.Limit{Every: time.Minute / time.Duration(n), Burst: n, By: web.ByUser}
}

// orgRoutes are orgs, who belongs to them, their roles and keys.
func (s *System) orgRoutes() []web.Route {
	return slices.Concat(s.ownOrgRoutes(), s.settingsRoutes(), s.memberRoutes(), s.invitationRoutes(), s.roleRoutes(), s.permissionRoutes(), s.keyRoutes())
}

const (
	orgPages = "/-/org/{slug}"
	orgsAPI  = "/-/api/v1/orgs"
	oneOrg   = orgsAPI + "/{org}"
)

// ownOrgRoutes are where people make orgs, and go from one to the other.
func (s *System) ownOrgRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/account/orgs/new", Access: web.Person, Handler: s.newOrgPage},
		{Method: "POST", Pattern: "/-/account/orgs/new", Access: web.Person, Handler: s.newOrgForm, Limit: perPerson(10), Audit: actions(actOrgCreated)},
		{Method: "GET", Pattern: orgsAPI, Access: web.Person, Handler: s.orgsAPI, Doc: web.Doc{Summary: "List the orgs you belong to", Out: membershipList{}}},
		{Method: "POST", Pattern: orgsAPI, Access: web.Person, Handler: s.newOrgAPI, Limit: perPerson(10), Audit: actions(actOrgCreated),
			Doc: web.Doc{Summary: "Make an org, which you own", In: newOrgInput{}, Out: orgJSON{}, Status: http.StatusCreated}},
		{Method: "POST", Pattern: orgPages + "/switch", Access: web.InOrg(permOrgRead), Narrow: true, Handler: s.switchForm, Audit: actions(actSessionSwitched)},
		{Method: "POST", Pattern: oneOrg + "/switch", Access: web.InOrg(permOrgRead), Narrow: true, Handler: s.switchAPI, Audit: actions(actSessionSwitched),
			Doc: web.Doc{Summary: "Work in this org from now on", Out: switched{}}},
	}
}

// settingsRoutes are an org itself.
func (s *System) settingsRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: orgPages, Access: web.InOrg(permOrgRead), Handler: s.orgPage},
		{Method: "GET", Pattern: orgPages + "/settings", Access: web.InOrg(permSettings), Handler: s.orgSettingsPage},
		{Method: "POST", Pattern: orgPages + "/settings", Access: web.InOrg(permSettings), Handler: s.orgSettingsForm, Limit: perPerson(30), Audit: actions(actOrgUpdated)},
		{Method: "POST", Pattern: orgPages + "/delete", Access: web.InOrg(permOwn), Narrow: true, Fresh: true, Handler: s.deleteOrgForm, Audit: actions(actOrgDeleted)},
		{Method: "GET", Pattern: oneOrg, Access: web.InOrg(permOrgRead), Handler: s.orgAPI, Doc: web.Doc{Summary: "One org", Out: orgJSON{}}},
		{Method: "PATCH", Pattern: oneOrg, Access: web.InOrg(permSettings), Handler: s.changeOrgAPI, Limit: perPerson(30), Audit: actions(actOrgUpdated),
			Doc: web.Doc{Summary: "Change the name, the slug or the rules of an org", In: orgChange{}, Out: orgJSON{}}},
		{Method: "DELETE", Pattern: oneOrg, Access: web.InOrg(permOwn), Narrow: true, Fresh: true, Handler: s.deleteOrgAPI, Audit: actions(actOrgDeleted),
			Doc: web.Doc{Summary: "Delete an org; confirm is its name", In: confirmNameInput{}, Status: http.StatusNoContent}},
	}
}

// memberRoutes are who belongs to an org.
func (s *System) memberRoutes() []web.Route {
	read, manage := web.InOrg(permOrgRead), web.InOrg(permMembers)
	const page, api = orgPages + "/members", oneOrg + "/members"
	return []web.Route{
		{Method: "GET", Pattern: page, Access: read, Handler: s.membersPage},
		{Method: "POST", Pattern: page + "/role", Access: manage, Narrow: true, Handler: s.memberRoleForm, Audit: actions(actMemberRole)},
		{Method: "POST", Pattern: page + "/remove", Access: manage, Narrow: true, Handler: s.removeMemberForm, Audit: actions(actMemberRemoved, actMemberLeft)},
		{Method: "POST", Pattern: orgPages + "/leave", Access: read, Narrow: true, Handler: s.leaveForm, Audit: actions(actMemberLeft)},
		{Method: "POST", Pattern: orgPages + "/transfer", Access: read, Narrow: true, Fresh: true, Handler: s.transferForm, Audit: actions(actOrgTransferred)},
		{Method: "GET", Pattern: api, Access: read, Handler: s.membersAPI, Doc: web.Doc{Summary: "List the members of an org; query: cursor, limit", Out: memberList{}}},
		{Method: "PATCH", Pattern: api + "/{user}", Access: manage, Narrow: true, Handler: s.memberRoleAPI, Audit: actions(actMemberRole),
			Doc: web.Doc{Summary: "Give a member another role", In: memberRoleInput{}, Out: memberJSON{}}},
		{Method: "DELETE", Pattern: api + "/{user}", Access: manage, Narrow: true, Handler: s.removeMemberAPI, Audit: actions(actMemberRemoved, actMemberLeft),
			Doc: web.Doc{Summary: "Remove a member", Status: http.StatusNoContent}},
		{Method: "POST", Pattern: oneOrg + "/leave", Access: read, Narrow: true, Handler: s.leaveAPI, Audit: actions(actMemberLeft),
			Doc: web.Doc{Summary: "Leave an org", Status: http.StatusNoContent}},
		{Method: "POST", Pattern: oneOrg + "/transfer", Access: read, Narrow: true, Fresh: true, Handler: s.transferAPI, Audit: actions(actOrgTransferred),
			Doc: web.Doc{Summary: "Make a member the owner in your place; you become an admin", In: transferInput{}, Status: http.StatusNoContent}},
	}
}

// invitationRoutes are how people come to belong to an org.
func (s *System) invitationRoutes() []web.Route {
	manage := web.InOrg(permMembers)
	const page, api = orgPages + "/invitations", oneOrg + "/invitations"
	return []web.Route{
		{Method: "GET", Pattern: "/-/invite/{token}", Access: web.Public, Handler: s.invitePage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/invite/{token}", Access: web.Public, Handler: s.inviteForm, Limit: web.PerMinute(10), Audit: actions(actMemberAdded)},
		{Method: "POST", Pattern: "/-/api/v1/invitations/accept", Access: web.Person, Handler: s.acceptAPI, Limit: web.PerMinute(30), Audit: actions(actMemberAdded),
			Doc: web.Doc{Summary: "Accept an invitation by the token of its link", In: acceptInput{}, Out: orgJSON{}}},
		{Method: "POST", Pattern: page, Access: manage, Handler: s.inviteMemberForm, Limit: perPerson(30), Audit: actions(actInvited, actInvitedAgain)},
		{Method: "POST", Pattern: page + "/resend", Access: manage, Handler: s.resendInviteForm, Limit: perPerson(10), Audit: actions(actInvitedAgain)},
		{Method: "POST", Pattern: page + "/revoke", Access: manage, Narrow: true, Handler: s.revokeInviteForm, Audit: actions(actInvitationRevoked)},
		{Method: "GET", Pattern: api, Access: manage, Handler: s.invitationsAPI,
			Doc: web.Doc{Summary: "List invitations that wait for an answer, newest first; query: cursor, limit", Out: invitationList{}}},
		{Method: "POST", Pattern: api, Access: manage, Handler: s.inviteAPI, Limit: perPerson(30), Audit: actions(actInvited, actInvitedAgain),
			Doc: web.Doc{Summary: "Invite somebody by mail", In: invitationInput{}, Out: invitationJSON{}, Status: http.StatusCreated}},
		{Method: "POST", Pattern: api + "/{id}/resend", Access: manage, Handler: s.resendInviteAPI, Limit: perPerson(10), Audit: actions(actInvitedAgain),
			Doc: web.Doc{Summary: "Mail an invitation again with a new link", Status: http.StatusNoContent}},
		{Method: "DELETE", Pattern: api + "/{id}", Access: manage, Narrow: true, Handler: s.revokeInviteAPI, Audit: actions(actInvitationRevoked),
			Doc: web.Doc{Summary: "Revoke an invitation", Status: http.StatusNoContent}},
	}
}

// roleRoutes are the roles of an org.
func (s *System) roleRoutes() []web.Route {
	read, manage := web.InOrg(permOrgRead), web.InOrg(permRoles)
	const page, api = orgPages + "/roles", oneOrg + "/roles"
	return []web.Route{
		{Method: "GET", Pattern: page, Access: read, Handler: s.rolesPage},
		{Method: "POST", Pattern: page, Access: manage, Handler: s.makeRoleForm, Audit: actions(actRoleCreated)},
		{Method: "POST", Pattern: page + "/save", Access: manage, Handler: s.saveRoleForm, Audit: actions(actRoleUpdated)},
		{Method: "POST", Pattern: page + "/delete", Access: manage, Handler: s.deleteRoleForm, Audit: actions(actRoleDeleted)},
		{Method: "GET", Pattern: api, Access: read, Handler: s.rolesAPI, Doc: web.Doc{Summary: "List the roles that members of an org can have", Out: roleList{}}},
		{Method: "POST", Pattern: api, Access: manage, Handler: s.makeRoleAPI, Audit: actions(actRoleCreated),
			Doc: web.Doc{Summary: "Make a role of an org", In: roleInput{}, Out: roleJSON{}, Status: http.StatusCreated}},
		{Method: "PATCH", Pattern: api + "/{role}", Access: manage, Handler: s.changeRoleAPI, Audit: actions(actRoleUpdated),
			Doc: web.Doc{Summary: "Change the name or the permissions of a role", In: roleChange{}, Out: roleJSON{}}},
		{Method: "DELETE", Pattern: api + "/{role}", Access: manage, Handler: s.deleteRoleAPI, Audit: actions(actRoleDeleted),
			Doc: web.Doc{Summary: "Delete a role; replacement in the query is the role that those get who have it", Status: http.StatusNoContent}},
		{Method: "GET", Pattern: oneOrg + "/permissions", Access: read, Handler: s.orgPermissionsAPI,
			Doc: web.Doc{Summary: "List the permissions that roles of an org can give", Out: permissionList{}}},
	}
}

// permissionRoutes are the catalogue, the roles of all orgs, and asking what somebody may do.
func (s *System) permissionRoutes() []web.Route {
	read, manage := web.Permission(permAskRead), web.Permission(permDeclare)
	const api, roles = "/-/api/v1/permissions", "/-/api/v1/roles"
	return []web.Route{
		{Method: "GET", Pattern: "/-/api/v1/can", Access: web.SignedIn, Handler: s.canAPI,
			Doc: web.Doc{Summary: "Ask whether you have permissions; query: permission (once for each), org, and with permissions:read user", Out: canOutput{}}},
		{Method: "GET", Pattern: api, Access: read, Handler: s.permissionsAPI, Doc: web.Doc{Summary: "List all permissions", Out: permissionList{}}},
		{Method: "PUT", Pattern: api + "/{name}", Access: manage, Handler: s.declareAPI, Audit: actions(actPermissionSet),
			Doc: web.Doc{Summary: "Declare a permission of your app, or change it", In: permissionInput{}, Status: http.StatusNoContent}},
		{Method: "DELETE", Pattern: api + "/{name}", Access: manage, Handler: s.undeclareAPI, Audit: actions(actPermissionRemoved),
			Doc: web.Doc{Summary: "Remove a permission of your app, also from every role", Status: http.StatusNoContent}},
		{Method: "GET", Pattern: roles, Access: read, Handler: s.rolesAPI, Doc: web.Doc{Summary: "List the roles that every org has", Out: roleList{}}},
		{Method: "POST", Pattern: roles, Access: manage, Handler: s.makeRoleAPI, Audit: actions(actRoleCreated),
			Doc: web.Doc{Summary: "Make a role that every org has", In: roleInput{}, Out: roleJSON{}, Status: http.StatusCreated}},
		{Method: "PATCH", Pattern: roles + "/{role}", Access: manage, Handler: s.changeRoleAPI, Audit: actions(actRoleUpdated),
			Doc: web.Doc{Summary: "Change a role that every org has", In: roleChange{}, Out: roleJSON{}}},
		{Method: "DELETE", Pattern: roles + "/{role}", Access: manage, Handler: s.deleteRoleAPI, Audit: actions(actRoleDeleted),
			Doc: web.Doc{Summary: "Delete a role that every org has; replacement in the query is the role that those get who have it", Status: http.StatusNoContent}},
	}
}

// keyRoutes are API keys: of the whole instance, of an org, and those somebody made.
func (s *System) keyRoutes() []web.Route {
	all, org := web.Permission(permKeys), web.InOrg(permOrgKeys)
	const page, api, orgAPI = orgPages + "/keys", "/-/api/v1/keys", oneOrg + "/keys"
	list := web.Doc{Summary: "List the API keys of the whole installation, newest first; query: cursor, limit", Out: keyList{}}
	add := web.Doc{Summary: "Make an API key of the whole installation; its secret is told this once", In: keyInput{}, Out: keyMade{}, Status: http.StatusCreated}
	end := web.Doc{Summary: "Revoke an API key", Status: http.StatusNoContent}
	orgList, orgAdd := list, add
	orgList.Summary = "List the API keys of an org, newest first; query: cursor, limit"
	orgAdd.Summary = "Make an API key of an org, with permissions or a role; its secret is told this once"
	return []web.Route{
		{Method: "GET", Pattern: page, Access: org, Handler: s.orgKeysPage},
		{Method: "POST", Pattern: page, Access: org, Fresh: true, Handler: s.makeKeyForm, Audit: actions(actKeyCreated)},
		{Method: "POST", Pattern: page + "/revoke", Access: org, Narrow: true, Fresh: true, Handler: s.revokeKeyForm, Audit: actions(actKeyRevoked)},
		{Method: "GET", Pattern: "/-/account/tokens", Access: web.Person, Handler: s.accountKeysPage},
		{Method: "POST", Pattern: "/-/account/tokens/revoke", Access: web.Person, Fresh: true, Handler: s.revokeOwnKeyForm, Audit: actions(actKeyRevoked)},
		{Method: "GET", Pattern: api, Access: all, Handler: s.keyListAPI, Doc: list},
		{Method: "POST", Pattern: api, Access: all, Fresh: true, Handler: s.makeKeyAPI, Audit: actions(actKeyCreated), Doc: add},
		{Method: "DELETE", Pattern: api + "/{id}", Access: all, Fresh: true, Handler: s.revokeKeyAPI, Audit: actions(actKeyRevoked), Doc: end},
		{Method: "GET", Pattern: orgAPI, Access: org, Handler: s.keyListAPI, Doc: orgList},
		{Method: "POST", Pattern: orgAPI, Access: org, Fresh: true, Handler: s.makeKeyAPI, Audit: actions(actKeyCreated), Doc: orgAdd},
		{Method: "DELETE", Pattern: orgAPI + "/{id}", Access: org, Narrow: true, Fresh: true, Handler: s.revokeKeyAPI, Audit: actions(actKeyRevoked), Doc: end},
	}
}

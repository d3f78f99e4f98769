package email

import "seaworthy/app/web"

// The permissions of mail.
const (
	permSend   = "email:send"
	permRead   = "email:read"
	permManage = "email:manage"
)

// Permissions are what roles and keys can give for mail.
var Permissions = []web.PermissionKind{
	{Name: permSend, Title: "Send mail", Means: "Hand in mails, and see what became of them.", Scope: web.ScopeInstance},
	{Name: permRead, Title: "See mail", Means: "See messages and what became of them, templates, suppressed addresses and how the providers do.", Scope: web.ScopeInstance},
	{Name: permManage, Title: "Manage mail", Means: "Change templates and the brand, and add or lift suppressions.", Scope: web.ScopeInstance},
}

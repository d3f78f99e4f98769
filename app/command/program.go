package command

import "seaworthy/app"

// Program is a command line that a program of your own has by embedding the app: all
// of ours, over its own tables, routes, jobs, pages and mails too.
type Program struct {
	Version string // the release's; "" for a build that is none
	Own     app.Own
	Extend  func(*app.App) app.Extension
}

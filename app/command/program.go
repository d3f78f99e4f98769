package command

import "seaworthy/app"

// Program is a command line that a program of your own has by embedding the app: all
// of ours, over its own tables, routes, jobs, pages and mails too.
type Program struct {
	Version string // the release's; "" for a build that is none
	// UpgradeKeys are public keys of minisign, separated by blanks or commas, that sign its releases: where
	// there is one, 'upgrade' takes signed files alone.
	UpgradeKeys string
	Own         app.Own
	Extend      func(*app.App) app.Extension
}

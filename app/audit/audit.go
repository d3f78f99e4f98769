// Package audit is the append-only log of who did what. Every change of every
// system records its event here, in its own transaction: the change and its
// event exist together or not at all. Over the events grows a Merkle tree whose
// heads are signed, so that nobody, the operator included, can rewrite them
// unseen (spec/audit.md section B4; RFC 6962; c2sp.org/tlog-tiles).
package audit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/app/audit/merkle"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deps are what the log needs of the rest.
type Deps struct {
	DB        *store.DB
	Logger    *slog.Logger
	Pages     *web.Pages
	URL       string                                               // public address, without a slash at the end
	Keys      string                                               // folder of the signing key
	Exports   string                                               // folder of finished exports
	Vaults    []Vault                                              // the first is this machine's; the others are written at most hourly
	Restored  bool                                                 // the database was brought back from the replica just now
	Confirmed func(context.Context) error                          // returns when all that is committed is at the replica; nil: there is none
	Scrub     func(context.Context) error                          // empties the write-ahead log and overwrites it; nil: it cannot be done
	FindOrg   func(tx *store.Tx, slugOrID string) (web.Org, error) // store.ErrNotFound for none
}

// System is the log with all that stands around it: recording (Log), signing,
// verifying, erasing, exporting, its pages and its part of the API.
type System struct {
	*Log
	Deps

	keys     []merkle.Key                // the first signs alone unless a rotation is under way
	signing  sync.Mutex                  // one checkpoint at a time
	signed   atomic.Pointer[signedHead]  // the last published checkpoint
	failed   atomic.Pointer[signFailure] // why there is no newer one; nil while all is well
	anchored time.Time                   // when the other vaults were last written
	unshared atomic.Bool                 // the list of erasures is not in every vault
	erasing  sync.Mutex                  // the list of erasures is rewritten whole
	erasures atomic.Int64                // of this process so far
	refusals refusals
}

// New makes the system; Open must follow before anything is recorded.
func New(d Deps, subscribers ...Subscriber) *System {
	return &System{Log: &Log{subscribers: subscribers}, Deps: d}
}

// The actions of the log about itself.
const (
	actOriginStarted Action = "audit.origin_started"
	actKeyAdded      Action = "audit.key_added"
	actKeyRetired    Action = "audit.key_retired"
	actRedacted      Action = "audit.redacted"
	actCounted       Action = "audit.counted"
	actRetentionSet  Action = "audit.retention_set"
	actDropped       Action = "audit.bodies_dropped"
	actExportAsked   Action = "audit.export_requested"
	actExported      Action = "audit.exported"
	actVerifyAsked   Action = "audit.verification_requested"
	actVerified      Action = "audit.verification_failed"
	actRefused       Action = "access.refused"
)

// ownKinds are the log's part of the catalogue.
var ownKinds = []Kind{
	{actOriginStarted, "Log began anew", "The log began a new origin after a restore or an acknowledged break; the event holds the old checkpoint and the gap."},
	{actKeyAdded, "Signing key added", "A key signs checkpoints from here on."},
	{actKeyRetired, "Signing key retired", "A key signs nothing any more; what it signs beyond the size in the event is not to be believed."},
	{actRedacted, "Personal data erased", "The personal data of a subject was erased from the log; every proof stays valid."},
	{actCounted, "Logs counted", "Once a day: how many events each organization's log holds, as a disclosure of its own for each."},
	{actRetentionSet, "Retention changed", "How long the details of an organization's events are kept was changed."},
	{actDropped, "Old details dropped", "The details of events whose time was over were dropped; their place in the tree stays."},
	{actExportAsked, "Export requested", "Somebody asked for an export of the log."},
	{actExported, "Log exported", "An export was written; the event holds its SHA-256."},
	{actVerifyAsked, "Verification requested", "Somebody asked for the whole log to be verified now."},
	{actVerified, "Verification failed", "The log, its tree and its checkpoints do not agree."},
	{actRefused, "Access refused", "Somebody tried to change what he may not change. Of one who tries again and again, one event a minute."},
}

// Rules are what the program itself may do to the log's tables; app hands them
// to store.Protect.
func Rules() []store.Rule {
	return []store.Rule{
		{Table: "audit_event", Update: []string{"body"}},
		{Table: "audit_target"},
		{Table: "audit_disclosure", Delete: true},
		{Table: "audit_tile"},
		{Table: "audit_origin"},
		{Table: "audit_head", Update: []string{"gen", "size", "root", "broken"}},
		{Table: "audit_checkpoint", Delete: true},
		{Table: "audit_key", Update: []string{"retired_at", "retired_gen", "retired_size"}},
	}
}

// Jobs registers what the log does in the background.
func (s *System) Jobs(q *queue.Queue) {
	queue.Handle(q, s.runExport)
	queue.Handle(q, s.runVerify)
}

// System as the actor of what the log does on its own.
var self = Ref{"system", "audit"}

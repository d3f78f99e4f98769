// Package conform holds what we say to Stripe, and what our offline Stripe answers, against
// Stripe's own description of version 2023-10-16 of its API. It is a module of its own, because
// what it needs for that is large and of no use to anybody who builds the program:
//
//	cd app/billing/conform && go test ./...
//
// Each request passes stripe-mock v0.180.0 (the last whose description is of that version),
// and each answer of the offline Stripe is valid by the schema of its operation.
package conform

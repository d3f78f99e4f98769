package auth

import (
	"fmt"

	"seaworthy/app/launch"
	"seaworthy/store"
)

// operatorState is an operator who can sign in.
type operatorState struct {
	id     string
	factor bool // a second one is set up
}

// mostOperators is how many are looked at.
const mostOperators = 200

// operatorStates begins with those who hold the role, not with all who are active: so say the coalesces, which
// no index serves.
func operatorStates(tx *store.Tx) ([]operatorState, error) {
	return store.All(tx, func(r store.Scanner) (o operatorState, err error) { return o, r.Scan(&o.id, &o.factor) },
		`SELECT u.id, EXISTS (SELECT f.id FROM auth_factor f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
		FROM auth_role_binding b JOIN auth_user u ON u.id = b.principal_id
		WHERE b.role_id = 'rol_operator' AND b.org_id IS NULL AND coalesce(b.principal_kind, '') = 'user' AND coalesce(u.status, '') = 'active' LIMIT ?`, mostOperators)
}

// Checks are what must be so of people who run the installation.
func Checks(tx *store.Tx) ([]launch.Check, error) {
	all, err := operatorStates(tx)
	if err != nil {
		return nil, err
	}
	made := launch.Check{Key: "auth.operator", System: "auth", Title: "The set-up link was used", Blocks: true,
		Why: "Whoever opens the link first runs everything.", Fix: "Open the link that 'seaworthy serve' prints at its start, and make the first operator."}.
		Holds(len(all) > 0, "There is an operator.", "Nobody is an operator yet.")
	bare := 0
	for _, o := range all {
		if !o.factor {
			bare++
		}
	}
	second := launch.Check{Key: "auth.operator_mfa", System: "auth", Title: "Every operator has a second factor", Link: "/-/account/security", Blocks: true,
		Why: "One stolen or guessed password of an operator opens every account and all that is billed.", Fix: "Each operator sets up two-step sign-in under Account, Security."}
	switch {
	case len(all) == 0:
		second = second.Is(launch.Todo, "There is no operator yet.")
	case len(all) == 1 && bare == 1:
		second = second.Is(launch.Todo, "The one operator signs in with one factor alone.")
	case bare > 0:
		second = second.Is(launch.Todo, fmt.Sprintf("%d of %d operators sign in with one factor alone.", bare, len(all)))
	default:
		second = second.Is(launch.Done, fmt.Sprintf("All %d have one.", len(all)))
	}
	spare, err := spareCheck(tx, all)
	if err != nil {
		return nil, err
	}
	open := launch.Check{Key: "auth.registration", System: "auth", Title: "It was decided who may sign up", Link: "/-/admin/users",
		Why: "Anybody can make an account. That is right for most products; for one that is by invitation or for one company, strangers come in.",
		Fix: "If it is what you want, dismiss this point and say so. Else have your app, or an access rule by role or plan, keep out who has no business there: a new account alone gives no role."}.
		Is(launch.Todo, "Anybody may sign up, and nobody has said that this is meant.")
	return []launch.Check{made, second, spare, open}, nil
}

// spareCheck looks whether the loss of one phone locks everybody out.
func spareCheck(tx *store.Tx, all []operatorState) (launch.Check, error) {
	c := launch.Check{Key: "auth.operator_spare", System: "auth", Title: "Losing one phone locks nobody out for good", Link: "/-/account/security",
		Why: "A single operator who loses the second factor can only come back through the command line of the server.",
		Fix: "Make a second operator under Users, or keep recovery codes that Account, Security makes."}
	if len(all) != 1 {
		return c.Holds(len(all) > 1, fmt.Sprintf("There are %d operators.", len(all)), "There is no operator yet."), nil
	}
	left, err := livingTokens(tx, all[0].id, forRecovery)
	return c.Holds(left > 0, fmt.Sprintf("The one operator has %d recovery codes.", left), "There is one operator, who has no recovery code."), err
}

// Operators are people who run the installation and can be written to, up to a limit.
func Operators(tx *store.Tx, limit int) (all []Person, err error) {
	found, err := operators(tx, "~", limit)
	for _, p := range found {
		if p.Status == "active" && p.Verified {
			all = append(all, p)
		}
	}
	return all, err
}

package command

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"seaworthy/app/auth"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// A crowd is the many of a demonstration, the same each time: who number i is follows from i. They come
// in batches through the tables of life, each as the sign-up leaves one, but without the hash and the
// mail that would take an hour.
const (
	crowdBatch    = 100 // a larger closure would hold up the writer
	crowdOrg      = 10  // one in so many owns a shared org, in which those after him are
	crowdCareless = 9   // one in so many never confirms his address
	crowdBounce   = 97  // one in so many mails bounces
	crowdDead     = 211 // one in so many jobs gives up
)

var crowdFirst = []string{"Ada", "Ben", "Chloe", "Daan", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Liam", "Mira", "Noor", "Oskar", "Pia", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Viktor", "Wanda", "Xaver", "Yara", "Zeno"}
var crowdLast = []string{"Albrecht", "Berger", "Costa", "Dubois", "Eriksen", "Ferrari", "Garcia", "Hansen", "Ivanov", "Jansen", "Keller", "Larsen", "Moreau", "Novak", "Olsen", "Petrov", "Quist", "Rossi", "Schmidt", "Torres", "Ueda", "Varga", "Weber", "Xu", "Yilmaz", "Zimmer"}

// newcomer is number i.
func newcomer(i int, hash string) auth.Newcomer {
	first, last := crowdFirst[i%len(crowdFirst)], crowdLast[i/len(crowdFirst)%len(crowdLast)]
	return auth.NewNewcomer(first+" "+last, fmt.Sprintf("%s.%s%d@sailors.example", lower(first), lower(last), i), hash, i%crowdCareless != 0)
}

func lower(s string) string { return string(s[0]+'a'-'A') + s[1:] }

// crowd adds those of a day, spread over it.
func (w *world) crowd(from, to int) error {
	if from == to {
		return nil
	}
	if w.hash == "" {
		var err error
		if w.hash, err = auth.NewHasher(0).Hash(w.ctx, demoPassword); err != nil {
			return err
		}
	}
	pause := 10 * time.Hour / time.Duration((to-from)/crowdBatch+1)
	for at := from; at < to; at += crowdBatch {
		end := min(to, at+crowdBatch)
		all := make([]auth.Newcomer, 0, crowdBatch)
		for i := at; i < end; i++ {
			all = append(all, newcomer(i, w.hash))
		}
		ctx := web.WithOrigin(w.ctx, &web.Origin{Addr: netip.AddrFrom4([4]byte{203, 0, 113, byte(at / crowdBatch % 250)}), UserAgent: agents[at/crowdBatch%len(agents)], Start: w.clock.Now()})
		if err := w.a.DB.Write(ctx, func(tx *store.Tx) error { return w.arriveMany(tx, at, all) }); err != nil {
			return err
		}
		w.clock.on(pause)
	}
	return w.a.Audit.Tally(w.ctx)
}

// arriveMany adds a batch, the first of whom is number from.
func (w *world) arriveMany(tx *store.Tx, from int, all []auth.Newcomer) error {
	ids := make([]string, len(all))
	for k, n := range all {
		i := from + k
		id, err := w.a.Auth.AddNewcomer(tx, n)
		if err != nil {
			return err
		}
		ids[k] = id
		if err := w.greet(tx, i, n, id); err != nil {
			return err
		}
		if err := w.worked(tx, i); err != nil {
			return err
		}
	}
	for k := range ids {
		if i := from + k; i%crowdOrg == 0 {
			name := crowdLast[i/crowdOrg%len(crowdLast)] + " Shipping"
			if _, err := w.a.Auth.AddOrgOf(tx, fmt.Sprintf("%s %d", name, i/crowdOrg), fmt.Sprintf("%s-shipping-%d", lower(crowdLast[i/crowdOrg%len(crowdLast)]), i/crowdOrg), ids[k:min(len(ids), k+1+i/crowdOrg%6)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// greet is the mail to number i that confirms his address, with the job that sent it.
func (w *world) greet(tx *store.Tx, i int, n auth.Newcomer, user string) error {
	job, err := queue.AddPast(tx, queue.Past{Kind: "email.deliver", Queue: "email", Args: json.RawMessage(`{}`), Took: time.Duration(20+i%80) * time.Millisecond})
	if err != nil {
		return err
	}
	status := email.Delivered
	if i%crowdBounce == 0 {
		status = email.Bounced
	}
	_, err = email.AddPast(tx, email.Past{To: n.Email, Template: "auth/verify", Class: "account", Subject: "Verify your address for Harbourlight", User: user, Job: job, Provider: "inbox", Status: status})
	return err
}

// worked is what the app did for number i.
func (w *world) worked(tx *store.Tx, i int) error {
	if i%3 != 0 {
		return nil
	}
	p := queue.Past{Kind: []string{"chart.render", "report.weekly", "import.csv"}[i/3%3], Queue: "default", Args: json.RawMessage(fmt.Sprintf(`{"vessel":%d}`, i)), Took: time.Duration(100+i%900) * time.Millisecond}
	if i/3%crowdDead == 0 {
		p.Fault = "the chart of this vessel is locked"
	}
	_, err := queue.AddPast(tx, p)
	return err
}

package auth

import (
	"context"
	"time"

	"seaworthy/app/web"
)

// Mails that somebody can have sent to an address which need not be his: as many
// an hour to one address, whatever they are for and whoever asks, and from one.
// Neither tells whether the address has an account here.
var (
	mailsTo   = web.Limit{Every: 10 * time.Minute, Burst: 6}
	mailsFrom = web.Limit{Every: 2 * time.Minute, Burst: 30}
)

// mayMail takes one mail to an address from both allowances, or is the 429.
func (s *System) mayMail(ctx context.Context, to address) error {
	if wait, ok := s.Limiter.Allow("mail from "+web.AddrKey(web.OriginOf(ctx).Addr), mailsFrom); !ok {
		return web.TooMany(wait)
	}
	return s.mayMailTo(to)
}

// mayMailTo takes it from that of the address alone, where another limit bounds who
// asks: an account, which anybody can make, must not be a way to fill a mailbox.
func (s *System) mayMailTo(to address) error {
	if wait, ok := s.Limiter.Allow("mail to "+to.norm, mailsTo); !ok {
		return web.TooMany(wait)
	}
	return nil
}

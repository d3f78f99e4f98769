package auth

import (
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"seaworthy/app/web"
)

// Places tells roughly where an address is, from a file in MaxMind's format that
// whoever runs this supplies; without one (nil) no place is known. A place is
// looked up when it is shown and stored nowhere.
type Places struct{ db *maxminddb.Reader }

// OpenPlaces opens a .mmdb file: GeoLite2 or GeoIP2 City or Country, DB-IP or the
// like. A newer file in its place is read from the next start on.
func OpenPlaces(path string) (*Places, error) {
	db, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Places{db: db}, nil
}

// maxPlace bounds each part of a place, in bytes.
const maxPlace = 80

// Of is the place of an address as "Berlin, Germany", or as much of that as the
// file knows; "" for nothing.
func (p *Places) Of(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if p == nil || err != nil {
		return ""
	}
	found := p.db.Lookup(addr)
	var city, country string
	// A record that cannot be read is a place that is not known.
	if found.DecodePath(&city, "city", "names", "en") != nil || found.DecodePath(&country, "country", "names", "en") != nil {
		return ""
	}
	city, country = web.CleanText(city, maxPlace), web.CleanText(country, maxPlace)
	if city == "" || country == "" {
		return city + country
	}
	return city + ", " + country
}

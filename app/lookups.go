package app

import (
	"seaworthy/app/auth"
	"seaworthy/app/auth/guess"
	"seaworthy/app/config"
)

func openPlaces(cfg config.Config) (*auth.Places, error) {
	if cfg.GeoIP == "" {
		return nil, nil
	}
	places, err := auth.OpenPlaces(cfg.GeoIP)
	if err != nil {
		return nil, &config.FaultError{Faults: []string{"SEAWORTHY_GEOIP must name a database in MaxMind's format: " + err.Error()}}
	}
	return places, nil
}

func (a *App) breaches(cfg config.Config) *guess.Breaches {
	if cfg.HIBP != "on" {
		return nil
	}
	return guess.NewBreaches(a.Observe.Outgoing)
}

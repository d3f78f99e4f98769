package app

import "time"

// ForgetCertificate has the files of the certificate looked at with the next handshake, for
// tests that will not wait.
func (a *App) ForgetCertificate() {
	p := a.tls.Load().pair
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looked = time.Time{}
}

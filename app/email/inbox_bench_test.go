package email_test

import (
	"net/smtp"
	"testing"

	"seaworthy/app/apptest"
)

// BenchmarkIntake is how many mails a second the inbox takes, each durable before it is
// answered, from one connection and from many.
func BenchmarkIntake(b *testing.B) {
	session := func(b *testing.B, addr string, next func() bool) {
		c, err := smtp.Dial(addr)
		for err == nil && next() {
			if err = c.Mail("shop@shop.example"); err != nil {
				break
			}
			if err = c.Rcpt("ada@example.com"); err != nil {
				break
			}
			w, dataErr := c.Data()
			if err = dataErr; err != nil {
				break
			}
			w.Write([]byte(richMail))
			err = w.Close()
		}
		if err != nil {
			b.Error(err)
			return
		}
		c.Quit()
	}
	b.Run("one connection", func(b *testing.B) {
		addr := listen(b, apptest.New(b))
		b.ResetTimer()
		session(b, addr, b.Loop)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	})
	b.Run("many connections", func(b *testing.B) {
		addr := listen(b, apptest.New(b))
		b.SetParallelism(16)
		b.ResetTimer()
		b.RunParallel(func(p *testing.PB) { session(b, addr, p.Next) })
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	})
}

package command

import (
	"fmt"

	"seaworthy/app/outbox"
)

type outboxCmd struct {
	DDL outboxDDLCmd `cmd:"" name:"ddl" help:"Print the table to make in your app's own SQLite file: sqlite3 app.db \"$$(seaworthy outbox ddl)\""`
}

type outboxDDLCmd struct{}

func (outboxDDLCmd) Run() error {
	_, err := fmt.Println(outbox.DDL + ";")
	return err
}

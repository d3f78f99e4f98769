package store
import ("testing";"context";"path/filepath")
func TestSmoke(t *testing.T){
 db,err:=Open(filepath.Join(t.TempDir(),"a.db"),Options{}); if err!=nil{t.Fatal(err)}
 defer db.Close()
 m,err:=Migrate(context.Background(),db,MigrateOptions{Binary:"t"}); if err!=nil{t.Fatal(err)}
 t.Log(m)
 m,err=Migrate(context.Background(),db,MigrateOptions{Binary:"t"}); if err!=nil{t.Fatal(err)}
 if err:=db.Check(context.Background());err!=nil{t.Fatal(err)}
}

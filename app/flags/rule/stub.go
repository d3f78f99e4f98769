package rule

type Document struct{}

func Parse(doc []byte) (*Document, error) { return &Document{}, nil }

type Options struct{}
type Fault struct{ Flag, Path, Message string }
type Set struct{}
type Flag struct{}
type Kill struct {
	All  bool
	Tags []string
}

func (d *Document) Compile(o Options) (*Set, []Fault)                         { return &Set{}, nil }
func CompileFlag(key string, def []byte, ev map[string][]byte) (*Flag, error) { return &Flag{}, nil }
func (s *Set) With(f *Flag) *Set                                              { return s }
func (s *Set) Without(key string) *Set                                        { return s }
func (s *Set) WithKill(k Kill) *Set                                           { return s }

type Context map[string]any
type Result struct {
	Key          string
	Value        any
	Variant      string
	Reason       string
	ErrorCode    string
	ErrorDetails string
	Metadata     map[string]any
}
type Trace struct{}

func (s *Set) Evaluate(key string, c Context) Result                      { return Result{} }
func (s *Set) EvaluateAll(c Context, keep func(key string) bool) []Result { return nil }
func (s *Set) Explain(key string, c Context) (Result, Trace)              { return Result{}, Trace{} }

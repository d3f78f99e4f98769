package rule

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// variant is a value that a flag may have.
type variant struct {
	value any
	json  []byte // what an answer says of it
}

// said is what every answer of a flag says, written when the flag is compiled: a bulk
// answer is made of little else.
type said struct {
	key, metadata []byte // `{"key":"f"` and `,"metadata":{…}`
}

// write writes what answers are made of.
func (f *Flag) write() error {
	key, err := jsontext.AppendQuote([]byte(`{"key":`), f.Key)
	if err != nil {
		return err
	}
	f.said.key = key
	if len(f.metadata) > 0 {
		if f.said.metadata, err = appendMember(nil, "metadata", f.metadata); err != nil {
			return err
		}
	}
	for name, v := range f.values {
		if v.json, err = appendMember(nil, "value", v.value); err != nil {
			return err
		}
		if v.json, err = appendMember(v.json, "variant", name); err != nil {
			return err
		}
		f.values[name] = v
	}
	return nil
}

// appendMember appends a member of an object that has another before it. The order of
// what an object holds is always the same, because ETags are of what is written.
func appendMember(b []byte, name string, v any) ([]byte, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	b = append(append(append(b, `,"`...), name...), `":`...)
	return append(b, raw...), err
}

// AppendJSON appends what a flag says as OFREP has it: evaluationSuccess, where the
// caller's own default is meant if there is no value, or evaluationFailure
// (open-feature/protocol, service/openapi.yaml).
func (r Result) AppendJSON(b []byte) ([]byte, error) {
	if r.of == nil {
		return r.appendWhole(b)
	}
	b = append(b, r.of.said.key...)
	b = append(append(append(b, `,"reason":"`...), r.Reason...), '"')
	b = append(b, r.json...)
	if b = append(b, r.of.said.metadata...); r.why == "" {
		return append(b, '}'), nil
	}
	if len(r.of.said.metadata) == 0 {
		b = append(b, `,"metadata":{`...)
	} else {
		b[len(b)-1] = ','
	}
	return append(append(append(b, '"'), r.why...), `":true}}`...), nil
}

// appendWhole is AppendJSON of what no flag has ready.
func (r Result) appendWhole(b []byte) ([]byte, error) {
	b, err := jsontext.AppendQuote(append(b, `{"key":`...), r.Key)
	add := func(name string, v any) {
		if err == nil {
			b, err = appendMember(b, name, v)
		}
	}
	if r.ErrorCode != "" {
		add("errorCode", r.ErrorCode)
		add("errorDetails", r.ErrorDetails)
		return append(b, '}'), err
	}
	add("reason", r.Reason)
	if r.Value != nil {
		add("value", r.Value)
		add("variant", r.Variant)
	}
	if len(r.Metadata) > 0 {
		add("metadata", r.Metadata)
	}
	return append(b, '}'), err
}

package openfeature_test

import (
	"testing"

	sdk "github.com/open-feature/go-sdk/openfeature"

	"seaworthy/app/apptest"
	"seaworthy/app/flags"
	"seaworthy/app/flags/openfeature"
)

// TestProvider asks through the SDK's own client.
func TestProvider(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	editor := a.Key("flags:manage", "flags:read")
	for key, definition := range map[string]string{
		"bool":   `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"==":[{"var":"tier"},"gold"]},"on"]},"metadata":{"team":"web"}}`,
		"text":   `{"state":"ENABLED","variants":{"a":"hello"},"defaultVariant":"a"}`,
		"number": `{"state":"ENABLED","variants":{"a":7},"defaultVariant":"a"}`,
		"object": `{"state":"ENABLED","variants":{"a":{"x":[1,2]}},"defaultVariant":"a"}`,
		"off":    `{"state":"DISABLED","variants":{"a":"hello"},"defaultVariant":"a"}`,
	} {
		editor.Do("PUT", "/-/api/v1/flags/"+key, "application/json", `{"definition":`+definition+`}`).Want(201)
	}
	if err := sdk.SetNamedProviderAndWait(t.Name(), openfeature.NewProvider(a.Flags)); err != nil {
		t.Fatal(err)
	}
	client, ctx := sdk.NewClient(t.Name()), t.Context()
	gold := sdk.NewEvaluationContext("user-1", map[string]any{"tier": "gold"})
	if d, err := client.BooleanValueDetails(ctx, "bool", false, gold); !d.Value || err != nil || d.Variant != "on" || d.Reason != sdk.TargetingMatchReason || d.FlagMetadata["team"] != "web" {
		t.Errorf("%+v, %v", d, err)
	}
	if v, err := client.BooleanValue(ctx, "bool", true, sdk.NewEvaluationContext("user-1", nil)); v || err != nil {
		t.Error(v, err)
	}
	if v, err := client.StringValue(ctx, "text", "bye", gold); v != "hello" || err != nil {
		t.Error(v, err)
	}
	if v, err := client.IntValue(ctx, "number", 1, gold); v != 7 || err != nil {
		t.Error(v, err)
	}
	if v, err := client.FloatValue(ctx, "number", 1, gold); v != 7 || err != nil {
		t.Error(v, err)
	}
	if v, err := client.ObjectValue(ctx, "object", nil, gold); err != nil || len(v.(map[string]any)["x"].([]any)) != 2 {
		t.Error(v, err)
	}
	if d, err := client.StringValueDetails(ctx, "off", "mine", gold); d.Value != "mine" || err != nil || d.Reason != sdk.DisabledReason {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := client.StringValueDetails(ctx, "nobody", "mine", gold); d.Value != "mine" || err == nil || d.ErrorCode != sdk.FlagNotFoundCode {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := client.BooleanValueDetails(ctx, "text", true, gold); !d.Value || err == nil || d.ErrorCode != sdk.TypeMismatchCode {
		t.Errorf("%+v, %v", d, err)
	}
	// The program's own functions say the same, with the system or out of a context.
	with := flags.With(a.Flags.Into(ctx), map[string]any{"tier": "gold"})
	if !flags.Bool(with, "bool", false) || a.Flags.Bool(ctx, "bool", true) || flags.Bool(ctx, "bool", true) != true || flags.Int(with, "number", 0) != 7 ||
		flags.String(with, "text", "") != "hello" || flags.Float(with, "number", 0) != 7 || len(flags.Object(with, "object", nil)) != 1 {
		t.Error("the program's functions say something else")
	}
}

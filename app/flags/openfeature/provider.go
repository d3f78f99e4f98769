// Package openfeature lets a program that embeds Seaworthy ask for flags through
// the OpenFeature SDK for Go: in process, without a request. Only such a program
// links the SDK.
package openfeature

import (
	"context"
	"maps"

	sdk "github.com/open-feature/go-sdk/openfeature"

	"seaworthy/app/flags"
	"seaworthy/app/flags/rule"
)

// Provider answers from a system of flags. What is evaluated for is whoever makes
// the request that the context belongs to, and the evaluation context: its
// attributes do not replace what the installation knows of the person.
type Provider struct{ flags *flags.System }

// NewProvider makes the provider, for openfeature.SetProvider.
func NewProvider(f *flags.System) *Provider { return &Provider{f} }

// Metadata implements FeatureProvider.
func (*Provider) Metadata() sdk.Metadata { return sdk.Metadata{Name: "seaworthy"} }

// Hooks implements FeatureProvider.
func (*Provider) Hooks() []sdk.Hook { return nil }

// BooleanEvaluation implements FeatureProvider.
func (p *Provider) BooleanEvaluation(ctx context.Context, flag string, fallback bool, flat sdk.FlattenedContext) sdk.BoolResolutionDetail {
	v, d := resolve(p, ctx, flag, fallback, flat)
	return sdk.BoolResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// StringEvaluation implements FeatureProvider.
func (p *Provider) StringEvaluation(ctx context.Context, flag, fallback string, flat sdk.FlattenedContext) sdk.StringResolutionDetail {
	v, d := resolve(p, ctx, flag, fallback, flat)
	return sdk.StringResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// FloatEvaluation implements FeatureProvider.
func (p *Provider) FloatEvaluation(ctx context.Context, flag string, fallback float64, flat sdk.FlattenedContext) sdk.FloatResolutionDetail {
	v, d := resolve(p, ctx, flag, fallback, flat)
	return sdk.FloatResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// IntEvaluation implements FeatureProvider.
func (p *Provider) IntEvaluation(ctx context.Context, flag string, fallback int64, flat sdk.FlattenedContext) sdk.IntResolutionDetail {
	v, d := resolve(p, ctx, flag, fallback, flat)
	return sdk.IntResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// ObjectEvaluation implements FeatureProvider: objects and lists.
func (p *Provider) ObjectEvaluation(ctx context.Context, flag string, fallback any, flat sdk.FlattenedContext) sdk.InterfaceResolutionDetail {
	r := p.ask(ctx, flag, flat)
	if !r.Ok() {
		return sdk.InterfaceResolutionDetail{Value: fallback, ProviderResolutionDetail: detail(r)}
	}
	return sdk.InterfaceResolutionDetail{Value: r.Value, ProviderResolutionDetail: detail(r)}
}

func (p *Provider) ask(ctx context.Context, flag string, flat sdk.FlattenedContext) rule.Result {
	return p.flags.Ask(flags.With(ctx, maps.Clone(flat)), flag)
}

func resolve[T bool | string | float64 | int64](p *Provider, ctx context.Context, flag string, fallback T, flat sdk.FlattenedContext) (T, sdk.ProviderResolutionDetail) {
	v, r := rule.Typed(p.ask(ctx, flag, flat), fallback)
	return v, detail(r)
}

func detail(r rule.Result) sdk.ProviderResolutionDetail {
	d := sdk.ProviderResolutionDetail{Reason: sdk.Reason(r.Reason), Variant: r.Variant, FlagMetadata: sdk.FlagMetadata(r.Metadata)}
	switch r.ErrorCode {
	case "":
	case rule.FlagNotFound:
		d.ResolutionError = sdk.NewFlagNotFoundResolutionError(r.ErrorDetails)
	case rule.ParseError:
		d.ResolutionError = sdk.NewParseErrorResolutionError(r.ErrorDetails)
	case rule.TypeMismatch:
		d.ResolutionError = sdk.NewTypeMismatchResolutionError(r.ErrorDetails)
	default:
		d.ResolutionError = sdk.NewGeneralResolutionError(r.ErrorDetails)
	}
	return d
}

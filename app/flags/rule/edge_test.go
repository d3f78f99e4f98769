package rule

import "testing"

// Fault 8: keys whose hash lies at an edge of the buckets fall where flagd's own
// implementations put them.
func TestFault8HashEdgeKeys(t *testing.T) {
	t.Parallel()
	set := load(t, "testdata/flagd-flags.json")
	for key, want := range map[string]struct {
		hash    uint32
		variant string
	}{"ejOoVL": {0, "lower"}, "bY9fO-": {1, "lower"}, "SI7p-": {1<<31 - 1, "lower"}, "6LvT0": {1 << 31, "upper"}, "ceQdGm": {1<<32 - 1, "upper"}} {
		if got := murmur(key); got != want.hash {
			t.Errorf("the hash of %s is %#x, want %#x", key, got, want.hash)
		}
		if got := set.Evaluate("fractional-hash-edge-flag", Context{"targetingKey": key}).Variant; got != want.variant {
			t.Errorf("%s gets %s, want %s", key, got, want.variant)
		}
	}
}

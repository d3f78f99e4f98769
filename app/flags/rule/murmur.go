package rule

import "math/bits"

// murmur is MurmurHash3 (x86, 32 bits, seed 0), by which flagd deals people to
// buckets.
func murmur(s string) uint32 { return murmur2(s, "") }

// murmur2 is the hash of two texts written one after the other, without making one of them.
func murmur2(a, b string) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	var h, k uint32
	n := len(a) + len(b)
	for i := range n {
		var x byte
		if i < len(a) {
			x = a[i]
		} else {
			x = b[i-len(a)]
		}
		k |= uint32(x) << (8 * (i & 3))
		if i&3 == 3 {
			h ^= bits.RotateLeft32(k*c1, 15) * c2
			h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
			k = 0
		}
	}
	if n&3 != 0 {
		h ^= bits.RotateLeft32(k*c1, 15) * c2
	}
	h ^= uint32(n)
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

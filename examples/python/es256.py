"""Verifies ES256 signatures (ECDSA over P-256 with SHA-256, RFC 7518 section 3.4), which
Python's standard library cannot. It holds no secret, so nothing here need take constant
time. Where you may install packages, use PyJWT with cryptography in its place.
"""
import base64, hashlib, json

# The curve P-256 (NIST SP 800-186): its field, order, constant b and base point.
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    out = None
    while k:
        if k & 1:
            out = add(out, point)
        point, k = add(point, point), k >> 1
    return out


def verify(jwk, signed, signature):
    """Whether the signature of the bytes was made with the private half of a JWK."""
    key = tuple(int.from_bytes(decode(jwk[name]), "big") for name in ("x", "y"))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    on_curve = max(key) < P and (key[1] ** 2 - key[0] ** 3 + 3 * key[0] - B) % P == 0
    if len(signature) != 64 or not (0 < r < N and 0 < s < N) or not on_curve:
        return False
    w = pow(s, -1, N)
    digest = int.from_bytes(hashlib.sha256(signed).digest(), "big")
    point = add(times(digest * w % N, G), times(r * w % N, key))
    return point is not None and point[0] % N == r


def read(token, find_key, issuer, audience, kind, now):
    """The claims of a token that is signed, for us and not over; None otherwise."""
    try:
        head, body, signature = token.split(".")
        header = json.loads(decode(head))
        if header["alg"] != "ES256" or header["typ"] != kind:
            return None
        jwk = find_key(header["kid"])
        if jwk is None or not verify(jwk, f"{head}.{body}".encode(), decode(signature)):
            return None
        claims = json.loads(decode(body))
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        return claims if claims["iss"] == issuer and audience in audiences and claims["exp"] > now else None
    except (ValueError, KeyError, TypeError):
        return None

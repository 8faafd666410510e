"""Keys and seals: AES-CMAC to derive, AES-CCM to seal, nothing home-made (docs/protocol.md §3)."""

import hmac
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.cmac import CMAC

from .errors import MalformedError, WrongKeyError
from .key import KEY_BYTES

ADVERT_TAG, SESSION_TAG = 4, 8
"""Bytes of the seal of an advert and of a message."""

HOST, DEVICE = b"H", b"D"
"""Who sends; part of every nonce of a session."""

_AGREEMENT_SALT = bytes.fromhex("6c880d1b1c0e4f5a8f5d2f4c53c4b1e7")
"""Public and fixed, as the salt of f5 in Bluetooth's own Secure Connections."""


def cmac(key: bytes, message: bytes) -> bytes:
    """Return the AES-CMAC of a message (RFC 4493)."""
    mac = CMAC(AES128(key))
    mac.update(message)
    return mac.finalize()


def derive(key: bytes, label: bytes, context: bytes = b"") -> bytes:
    """Return a key for one use: NIST SP 800-108 in counter mode over CMAC, one block."""
    return cmac(key, b"\x01" + label + b"\x00" + context + b"\x00\x80")


def check_key(key: bytes) -> bytes:
    """Return the key if it has the right length."""
    if len(key) != KEY_BYTES:
        msg = "a key has 16 bytes"
        raise MalformedError(msg)
    return key


@lru_cache(maxsize=256)
def advert_opener(key: bytes) -> Callable[[bytes, bytes, bytes | None], bytes]:
    """Return `decrypt(nonce, sealed, None)` for the adverts under a bind key; kept, since deriving costs most."""
    return AESCCM(derive(check_key(key), b"SL1 advert"), tag_length=ADVERT_TAG).decrypt


class SessionCipher:
    """Both directions of one session; every message has its own number and must come in order."""

    def __init__(self, key: bytes) -> None:
        """Begin at message 0 in both directions."""
        self._aead = AESCCM(key, tag_length=SESSION_TAG)
        self._sent = self._received = 0

    def seal(self, plain: bytes) -> bytes:
        """Seal the next message to the device."""
        nonce = HOST + self._sent.to_bytes(4, "little") + bytes(8)
        self._sent += 1
        return self._aead.encrypt(nonce, plain, None)

    def unseal(self, sealed: bytes) -> bytes:
        """Open the next message of the device."""
        nonce = DEVICE + self._received.to_bytes(4, "little") + bytes(8)
        try:
            plain = self._aead.decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError) as err:
            msg = "a message was changed, lost or repeated on its way"
            raise MalformedError(msg) from err
        self._received += 1
        return plain


def session_key(key: bytes, context: bytes) -> bytes:
    """Return the key of the session that both challenges in the context belong to."""
    return derive(check_key(key), b"SL1 session", context)


def proof(key: bytes, who: bytes) -> bytes:
    """Return what proves, to one who has the same key, that the sender has it."""
    return derive(key, b"SL1 proof", who)[:SESSION_TAG]


def public_key(secret: bytes) -> bytes:
    """Return the X25519 public key of 32 secret bytes."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def agree(secret: bytes, other: bytes, context: bytes) -> bytes:
    """Return the bind key that two X25519 key pairs agree on."""
    try:
        shared = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError as err:
        msg = "the device's public key is none"
        raise MalformedError(msg) from err
    return derive(cmac(_AGREEMENT_SALT, shared), b"SL1 bind", context)


def check_proof(expected: bytes, received: bytes) -> None:
    """Refuse a proof made with another key; the time it takes tells nothing."""
    if not hmac.compare_digest(expected, received):
        msg = "the device has another key than the one entered"
        raise WrongKeyError(msg)
